from __future__ import annotations

import pytest
import torch
from cell_helpers import numbers, random_architectures, special_architectures
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError, SpaceError


def measured(network: nn.Module, x: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        network.to(x.device).eval()(x)
    return int(counter.get_total_flops()) // 2


NETS = {
    "two a stage": {"channels": 4},
    "odd channels": {
        "nodes": 3,
        "cells_per_stage": 1,
        "channels": 5,
        "in_channels": 1,
        "classes": 7,
    },
    "two operations": {"channels": 2, "operations": ("identity", "sep_conv_5x5")},
    "stem of stride 4": {"nodes": 2, "cells_per_stage": 1, "channels": 5, "stem_stride": 4},
}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("two a stage", (28, 31)),
        ("odd channels", (9, 13)),
        ("two operations", (8, 8)),
        ("stem of stride 4", (43, 33)),
    ],
)
def test_costs_are_those_of_derived_networks(name: str, size: tuple[int, int]) -> None:
    net = CellSupernet(**NETS[name])
    x = torch.empty(1, net.settings.in_channels, *size, device="meta")
    parameters, multiply_adds = net.cost("parameters"), net.cost("multiply_adds", x)
    for a in (*random_architectures(net.space, 4), *special_architectures(net.space)):
        network = net.derive(a)
        assert parameters(a) == numbers(network.parameters())
        assert multiply_adds(a) == measured(network, x)


def test_a_batch_counts_as_one_image() -> None:
    net = CellSupernet(nodes=2, cells_per_stage=1, channels=4)
    one, batch = torch.empty(1, 3, 16, 16), torch.empty(5, 3, 16, 16)
    for a in random_architectures(net.space, 5):
        cost = net.cost("multiply_adds", batch)(a)
        assert cost == net.cost("multiply_adds", one)(a) == measured(net.derive(a), batch) / 5


def test_the_auxiliary_classifier_costs_nothing() -> None:
    net = CellSupernet(nodes=2, cells_per_stage=1, channels=4)
    a = random_architectures(net.space, 1)[0]
    network = net.derive(a, auxiliary=True)
    assert network.auxiliary is not None
    without = numbers(network.parameters()) - numbers(network.auxiliary.parameters())
    assert net.cost("parameters")(a) == without


def test_costs_that_are_asked_for_wrongly() -> None:
    net = CellSupernet(nodes=2, cells_per_stage=1, channels=4)
    autoencoder = AutoencoderSupernet(layers=2, channels=(4,))
    for supernet in (net, autoencoder):
        for arguments, message in (
            (("flops",), "found 'flops', expected one of parameters, multiply_adds"),
            (("multiply_adds",), r"found no images .*; give net.cost\('multiply_adds', x\)"),
            (("multiply_adds", torch.empty(1, 4, 16, 16)), r"shape \(1, 4, 16, 16\), expected .*3"),
            (("parameters", torch.empty(3, 16, 16)), r"shape \(3, 16, 16\)"),
            (("parameters", 3), r"shape \(\)"),
        ):
            with pytest.raises(SettingError, match=message) as caught:
                supernet.cost(*arguments)
            assert "\n" not in str(caught.value)
    with pytest.raises(SettingError, match="image size: found 7x7"):
        net.cost("multiply_adds", torch.empty(1, 3, 7, 9))
    elsewhere = autoencoder.space.architecture([0] * len(autoencoder.space))
    with pytest.raises(SpaceError, match="cost: found an architecture of another search space"):
        net.cost("parameters")(elsewhere)
