"""The memory format of networks, by their device and as it is chosen."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import nn

from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.spaces.memory_format import Formatted

FIRST, LAST = torch.contiguous_format, torch.channels_last


class Network(Formatted):
    """Channels-last on CPUs alone; inputs and outputs of its only layer are kept."""

    formats = MappingProxyType({"cpu": LAST})

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.use_format()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(self.formatted(x))
        return out


def is_in(network: Network, memory_format: torch.memory_format) -> bool:
    """Whether weights, and the maps of an input in either format, are in this format."""
    inputs = [torch.rand(2, 3, 5, 6).contiguous(memory_format=each) for each in (FIRST, LAST)]
    device = network.conv.weight.device
    outs = [network(x.to(device)) for x in inputs]
    tensors = [network.conv.weight, *outs]
    return network.memory_format is memory_format and all(
        each.is_contiguous(memory_format=memory_format) for each in tensors
    )


def test_the_device_decides_whenever_the_network_is_moved() -> None:
    network = Network()
    assert is_in(network, LAST)
    assert is_in(network.to("meta"), FIRST)
    assert is_in(nn.Sequential(network.to_empty(device="cpu")).double()[0].float(), LAST)


def test_moving_what_holds_the_network_moves_its_format() -> None:
    network = Network()
    nn.Sequential(network).to("meta")
    assert network.memory_format is FIRST


def test_a_chosen_format_holds_on_every_device_until_it_is_left_to_the_device() -> None:
    network = Network()
    network.use_format(FIRST)
    assert is_in(network, FIRST)
    assert is_in(network.to(torch.float64).float(), FIRST)
    network.use_format()
    assert is_in(network, LAST)


def test_an_optimizer_keeps_its_weights() -> None:
    network = Network()
    before = list(network.parameters())
    network.use_format(FIRST)
    assert all(a is b for a, b in zip(before, network.parameters(), strict=True))


def test_copies_have_the_format() -> None:
    network = Network()
    network.use_format(FIRST)
    for again in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert is_in(again, FIRST)


@pytest.mark.parametrize(
    "net, on_cpu",
    [
        (CellSupernet(nodes=2, channels=4, cells_per_stage=1), LAST),
        (AutoencoderSupernet(layers=3, channels=(4, 8)), FIRST),
    ],
)
def test_a_family_computes_the_same_in_both(
    net: CellSupernet | AutoencoderSupernet, on_cpu: torch.memory_format
) -> None:
    assert net.memory_format is on_cpu
    net.double()
    architecture = net.space.uniform(np.random.default_rng(0))
    size = () if isinstance(net, CellSupernet) else ((16, 16),)
    derived = net.derive(architecture, *size, keep_weights=True).eval()
    assert derived.memory_format is on_cpu
    x = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    found = []
    for chosen in (FIRST, LAST):
        net.use_format(chosen)
        derived.use_format(chosen)
        net.zero_grad()
        out = net(x, architecture)
        out.square().sum().backward()
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        found.append([out, derived(x), *gradients])
    for first, last in zip(*found, strict=True):
        torch.testing.assert_close(first, last, rtol=1e-9, atol=1e-12)
    net.to("meta")
    assert net.memory_format is LAST  # which was chosen
    net.use_format()
    assert net.memory_format is FIRST
