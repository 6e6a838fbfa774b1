from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pdas.space import Architecture
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet

NET = AutoencoderSupernet(layers=7, level_back=3, kernels=(1, 3, 5), channels=(2, 3, 5))
SHALLOW = AutoencoderSupernet(layers=2, level_back=4, channels=(4, 6), image_channels=1)
SIZES = [(16, 16), (13, 22), (1, 5), (3, 2)]  # in the last two layers are passed over


def sampled(net: AutoencoderSupernet) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [net.space.uniform(rng) for _ in range(40)]


def weights(network: AutoencoderNetwork) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("net", [NET, SHALLOW], ids=["seven layers", "two"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_costs_are_those_of_derived_networks(
    net: AutoencoderSupernet, size: tuple[int, int]
) -> None:
    x = torch.zeros(3, net.settings.image_channels, *size)
    parameters, multiply_adds = net.cost("parameters", x), net.cost("multiply_adds", x)
    for a in sampled(net):
        network = net.derive(a, size)
        with FlopCounterMode(display=False) as counter:
            network(x)
        assert multiply_adds(a) == counter.get_total_flops() / 2 / len(x)
        assert parameters(a) == weights(network)


def test_without_images_no_layer_is_passed_over() -> None:
    parameters = NET.cost("parameters")
    small = NET.cost("parameters", torch.empty(1, 3, 2, 2))
    architectures = sampled(NET)
    for a in architectures:
        assert parameters(a) == weights(NET.derive(a, (512, 512)))
    assert any(parameters(a) != small(a) for a in architectures)


def test_the_output_may_read_the_image() -> None:
    a = SHALLOW.space.architecture({**sampled(SHALLOW)[0].to_dict(), "output/from": 0})
    assert SHALLOW.cost("parameters")(a) == 9
    assert SHALLOW.cost("multiply_adds", torch.empty(1, 1, 6, 7))(a) == 9 * 42
