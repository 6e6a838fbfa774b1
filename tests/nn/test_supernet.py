from __future__ import annotations

from torch import nn

from pdas.nn import CellSupernet, Supernet
from pdas.nn.supernet import SharingSupernet


def test_the_cell_supernet_is_what_the_search_asks_for() -> None:
    net = CellSupernet(nodes=1, cells_per_stage=1, channels=2)
    assert isinstance(net, Supernet)
    assert isinstance(net, SharingSupernet)


def test_a_module_without_a_space_is_not() -> None:
    assert not isinstance(nn.Linear(1, 1), Supernet)
