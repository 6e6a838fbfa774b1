from __future__ import annotations

from torch import nn

from pdas.nn import Choice, Supernet
from pdas.nn.protocols import (
    ActiveSupernet,
    SharingSupernet,
    SupernetProtocol,
    WeighedSupernet,
)
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet


def test_the_supernets_are_what_the_search_asks_for() -> None:
    nets = (
        CellSupernet(nodes=1, cells_per_stage=1, channels=2),
        AutoencoderSupernet(layers=1, channels=(2,)),
    )
    for net in nets:
        assert isinstance(net, SupernetProtocol)
        assert isinstance(net, SharingSupernet)
    assert [isinstance(net, ActiveSupernet) for net in nets] == [False, True]
    assert [isinstance(net, WeighedSupernet) for net in nets] == [True, False]
    own = Supernet(Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()}))
    assert isinstance(own, ActiveSupernet) and isinstance(own, WeighedSupernet)


def test_a_module_without_a_space_is_not() -> None:
    assert not isinstance(nn.Linear(1, 1), SupernetProtocol)
