"""Costs without running each architecture, against the derived networks themselves."""

from __future__ import annotations

import warnings
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas import PDAS
from pdas.nn import Choice, Conv2d, Linear, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.counting.profile import Profile
from pdas.support.errors import PdasWarning, SettingError
from tests.nn.choice_helpers import Everything, every, multiply_adds, parameters

X = torch.randn(1, 3, 16, 16)


def test_they_are_those_of_the_derived_network() -> None:
    net = Supernet(Everything())
    weights, madds = net.cost("parameters"), net.cost("multiply_adds", X)
    rng = np.random.default_rng(0)
    for _ in range(50):
        architecture = net.space.uniform(rng)
        network = net.derive(architecture)
        assert weights(architecture) == parameters(network)
        assert madds(architecture) == multiply_adds(network, X)


def test_the_network_runs_no_more_often_than_there_are_candidates() -> None:
    net = Supernet(Everything())
    calls: list[int] = []
    net.module.register_forward_hook(lambda *_: calls.append(1))
    net.cost("multiply_adds", X)
    assert len(calls) <= net.space.sizes.sum()
    calls.clear()
    net.cost("parameters")
    assert not calls
    assert Profile(net._tree, (X,), {}).runs == 1 + 2 + 1 + 1  # widths, stride, activation


def test_the_expected_cost_is_exact() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = Value("width", [2, 3, 5])
            inner = Choice("inner", {"a": Linear(width, 4), "b": Linear(width, 4, bias=False)})
            self.first = Linear(3, width)
            self.op = Choice(
                "op", {"x": nn.Sequential(inner, nn.Linear(4, 4)), "y": Linear(width, 4)}
            )

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.op(self.first(x))
            return out

    net = Supernet(Net())
    optimizer = PDAS(net.space)
    rng = np.random.default_rng(0)
    for _ in range(20):
        optimizer.tell(optimizer.ask(2), rng.random(2))
    theta = optimizer.theta
    for cost in (net.cost("parameters"), net.cost("multiply_adds", torch.randn(1, 3))):
        total = sum(
            cost(a) * np.prod([theta[n][net.space[n].index(a[n])] for n in net.space])
            for a in every(net)
        )
        assert cost.expected(theta) == pytest.approx(total, rel=1e-12)


def test_choices_of_layers_are_additive() -> None:
    layers = {f"{k}x{k}": nn.Conv2d(4, 4, k, padding=k // 2) for k in (1, 3, 5)}
    net = Supernet(nn.Sequential(Choice("op", layers), OptionalLayer("extra", nn.Conv2d(4, 4, 1))))
    assert net.cost("parameters").additive
    assert net.cost("multiply_adds", torch.randn(1, 4, 8, 8)).additive


def test_a_weight_in_two_places_counts_once() -> None:
    layer = nn.Linear(4, 4)
    tied = nn.Linear(4, 4)
    tied.weight = layer.weight
    net = Supernet(
        nn.Sequential(
            Choice("first", {"a": layer, "b": nn.Identity()}),
            Choice("second", {"a": nn.Sequential(layer), "b": tied, "c": nn.Identity()}),
            Repeat("depth", [layer] * 3, [0, 1, 3]),
        )
    )
    cost = net.cost("parameters")
    for architecture in every(net):
        assert cost(architecture) == parameters(net.derive(architecture, keep_weights=True))


@pytest.mark.parametrize("layer", [nn.LSTM(8, 16), nn.GRU(8, 6), nn.MultiheadAttention(8, 2)])
def test_layers_that_run_in_one_piece_are_counted(layer: nn.Module) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Linear(8, 8)
            self.repeat = Repeat("depth", [nn.Linear(8, 8)], [0, 1])
            self.layer = layer

        def forward(self, x: Tensor) -> Any:
            x = self.repeat(self.scale(x))
            if isinstance(self.layer, nn.MultiheadAttention):
                return self.layer(x, x, x)
            return self.layer(x)

    steps = 5
    expected = {
        nn.LSTM: steps * 4 * 16 * (8 + 16),
        nn.GRU: steps * 3 * 6 * (8 + 6),
        nn.MultiheadAttention: steps * 4 * 8 * 8 + 2 * steps * steps * 8,
    }[type(layer)]
    net = Supernet(Net())
    cost = net.cost("multiply_adds", torch.randn(steps, 1, 8))
    for count in (0, 1):
        architecture = net.space.architecture({"depth": count})
        assert cost(architecture) == steps * 64 * (1 + count) + expected


def test_a_layer_in_a_loop_counts_each_time() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = Choice("step", {"a": nn.Linear(4, 4), "b": nn.Identity()})

        def forward(self, x: Tensor) -> Tensor:
            for _ in range(7):
                x = self.step(x)
            return x

    net = Supernet(Loop())
    cost = net.cost("multiply_adds", torch.randn(1, 4))
    assert [cost(a) for a in every(net)] == [7 * 16, 0]


class Gated(nn.Module):
    """A value with which another layer runs, whose width is chosen too."""

    def __init__(self, gates: list[str]) -> None:
        super().__init__()
        self.width, self.gate = Value("width", [3, 5, 2]), Value("gate", gates)
        self.first, self.last = Linear(4, self.width), Linear(self.width, 2)
        self.extra, self.other = Linear(self.width, self.width), Linear(self.width, self.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.gate.value in ("extra", "both"):
            x = self.extra(x)
        if self.gate.value in ("other", "both"):
            x = self.other(x)
        return self.last(x)


class Pooled(nn.Module):
    """A nested choice, of which the one around it changes the size of what follows."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [2, 4])
        bottleneck = nn.Sequential(Conv2d(4, width, 1), Conv2d(width, 4, 1))
        inner = Choice("inner", {"none": nn.Identity(), "conv": bottleneck})
        pooled = nn.Sequential(nn.AvgPool2d(2), inner)
        self.pool = Choice("pool", {"no": nn.Identity(), "yes": pooled})
        self.down = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.pool(x)).mean((2, 3))


@pytest.mark.parametrize("gates", list(permutations(["none", "extra", "other", "both"])))
def test_layers_that_run_with_some_values_only(gates: Any) -> None:
    net, x = Supernet(Gated(list(gates))), torch.randn(1, 4)
    cost = net.cost("multiply_adds", x)
    for architecture in every(net):
        assert cost(architecture) == multiply_adds(net.derive(architecture), x)


def test_what_a_nested_choice_changes_is_not_counted_for_the_one_around_it() -> None:
    net, x = Supernet(Pooled()), torch.randn(1, 4, 8, 8)
    cost = net.cost("multiply_adds", x)
    for architecture in every(net):
        assert cost(architecture) == multiply_adds(net.derive(architecture), x)


def test_a_module_in_many_places_is_counted_quickly() -> None:
    layer = nn.Linear(3, 3)
    choices = [Choice(f"op{i}", {"layer": layer, "none": nn.Identity()}) for i in range(40)]
    net = Supernet(nn.Sequential(*choices))
    cost = net.cost("parameters")
    assert cost(net.space.architecture([1] * 40)) == 0
    assert cost(net.space.architecture([1] * 39 + [0])) == 12


def test_a_stack_that_the_module_loops_over() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = Value("width", [3, 4])
            self.first, self.last = Linear(2, width), Linear(width, 2)
            self.layers = Repeat("depth", [Linear(width, width) for _ in range(3)])

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            for layer in self.layers:
                x = layer(x)
            return self.last(x)

    net = Supernet(Loop())
    x = torch.randn(1, 2)
    weights, madds = net.cost("parameters"), net.cost("multiply_adds", x)
    for architecture in every(net):
        network = net.derive(architecture)
        assert weights(architecture) == parameters(network)
        assert madds(architecture) == multiply_adds(network, x)


def test_a_value_that_decides_what_runs() -> None:
    class Switch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deep = Value("deep", [False, True])
            self.width = Value("width", [3, 4])
            self.first, self.second = nn.Linear(3, 3), Linear(3, self.width)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(x) if self.deep.value else self.first(x)

    net = Supernet(Switch())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PdasWarning)
        cost = net.cost("multiply_adds", torch.randn(1, 3))
    assert cost(net.space.architecture([0, 0])) == 9
    assert cost(net.space.architecture([1, 0])) == 9


def test_strides_that_round_together_are_said_to_be_inexact() -> None:
    """5 pixels become 3, and 3 become 2; but both strides together leave 2, not 5 * 3/5 * 3/5."""
    strides = [Conv2d(1, 1, 1, stride=Value(f"stride{i}", [1, 2])) for i in range(2)]
    net = Supernet(nn.Sequential(*strides, nn.Conv2d(1, 1, 1)))
    with pytest.warns(PdasWarning, match=r"multiply_adds: found \d+ by products for an archit"):
        net.cost("multiply_adds", torch.randn(1, 1, 5, 5))


def test_another_kind_of_cost_is_named() -> None:
    net = Supernet(Everything())
    with pytest.raises(SettingError, match="cost: found 'flops', expected one of parameters, "):
        net.cost("flops")  # type: ignore[arg-type]
