"""Sums and multiples of widths against tensors that are concatenated and flattened."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every


class Concatenated(nn.Module):
    """Two maps of chosen widths and three channels, concatenated, and flattened at the end."""

    def __init__(self) -> None:
        super().__init__()
        u, v = Value("u", [1, 4]), Value("v", [2, 3, 5])
        self.left, self.right = P.Conv2d(3, u, 1), P.Conv2d(3, v, 1)
        self.norm = P.BatchNorm2d(u + 3 + v)
        self.next = P.Conv2d(u + 3 + v, 3 + u, 1)
        self.last = P.Linear(4 * (3 + u), 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(torch.cat([self.left(x), x, self.right(x)], 1))
        return self.last(self.next(y).flatten(1))


class Separate(nn.Module):
    """The same sums by a layer for each part of the input."""

    def __init__(self, net: Supernet) -> None:
        super().__init__()
        self.whole = net.module

    def forward(self, x: Tensor, u: int, v: int) -> Tensor:
        left = self.whole.left.get_submodule("weight").whole()
        weight = self.whole.next.get_submodule("weight").whole()
        parts = weight[:, :u], weight[:, 4:7], weight[:, 7 : 7 + v]
        rows = torch.cat([torch.arange(3), 3 + torch.arange(u)])
        return torch.cat(parts, 1)[rows], left[:u]


def test_parts_of_a_sum_are_cut_each() -> None:
    net = Supernet(Concatenated()).double()
    x = torch.randn(2, 3, 2, 2).double()
    for architecture in every(net):
        u, v = int(architecture["u"]), int(architecture["v"])
        network = net.derive(architecture, keep_weights=True)
        assert (network.next.in_channels, network.next.out_channels) == (u + 3 + v, 3 + u)
        assert network.last.in_features == 4 * (3 + u)
        assert torch.equal(net(x, architecture), network(x))
        weight, left = Separate(net)(x, u, v)
        assert torch.equal(network.next.weight, weight)
        assert torch.equal(network.left.weight, left)
        assert net.cost("parameters")(architecture) == sum(w.numel() for w in network.parameters())


def test_multiply_adds_of_sums_are_those_of_the_derived_network() -> None:
    net = Supernet(Concatenated())
    x = torch.randn(1, 3, 2, 2)
    cost = net.cost("multiply_adds", x)
    for architecture in every(net):
        u, v = int(architecture["u"]), int(architecture["v"])
        assert cost(architecture) == 4 * (3 * u + 3 * v + (u + 3 + v) * (3 + u)) + 4 * (3 + u) * 2


def test_a_packed_projection_is_cut_in_each_of_its_parts() -> None:
    width = Value("width", [2, 4])
    net = Supernet(P.Linear(3, width + width + width))
    whole = net.module.get_submodule("weight").whole()
    network = net.derive(net.space.architecture({"width": 2}), keep_weights=True)
    assert torch.equal(network.weight, whole[[0, 1, 4, 5, 8, 9]])


def test_widths_print_as_they_are_written() -> None:
    u, v = Value("u", [1, 4]), Value("v", [2])
    assert str(80 + 2 * (u + v)) == "80 + 2 * u + 2 * v"
    assert P.widest(80 + 2 * (u + v)) == 92


@pytest.mark.parametrize("factor", [0, -1, 1.5, True])
def test_a_factor_that_is_none_is_refused(factor: object) -> None:
    with pytest.raises(NetworkError, match="found it multiplied by"):
        factor * Value("u", [1, 4])


def test_a_width_and_what_is_none_are_not_added() -> None:
    with pytest.raises(NetworkError, match=r"width: found 0\.5, expected a whole number above 0"):
        Value("u", [1, 4]) + 0.5
