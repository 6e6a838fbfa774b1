"""Latency by a clock that the networks themselves set forward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdas.cost import FunctionCost, ProductCost
from pdas.nn import Choice, OptionalLayer, Repeat, Supernet
from pdas.nn.counting import latency as room
from pdas.nn.counting.latency import latency
from pdas.support.errors import SettingError
from tests.nn.choice_helpers import every
from tests.testing.chosen import Chosen

X = torch.ones(2, 3)
FIRST_CALL = 7.0


class Clock:
    now = 0.0


CLOCK = Clock()


class Takes(nn.Module):
    """A layer that takes so many seconds, and longer when it is called first."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.is_first = True

    def forward(self, x: Tensor, **named: Any) -> Tensor:
        assert not self.training and not torch.is_grad_enabled()
        CLOCK.now += self.seconds + FIRST_CALL * self.is_first
        self.is_first = False
        return x


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "perf_counter", lambda: CLOCK.now)


def stack() -> Supernet:
    """Choices next to, and inside of each other."""
    inner = Choice("inner", {"a": Takes(1), "b": Takes(3)})
    outer = Choice("outer", {"fast": Takes(0.5), "nested": nn.Sequential(inner, Takes(0.25))})
    blocks = [nn.Sequential(Takes(2), OptionalLayer(f"extra{i}", Takes(4))) for i in range(2)]
    return Supernet(nn.Sequential(Takes(16), outer, Repeat("depth", blocks)))


def seconds(network: nn.Module) -> float:
    return sum(part.seconds for part in network.modules() if isinstance(part, Takes))


def test_it_is_that_of_the_derived_network_where_choices_add_up() -> None:
    net = stack()
    cost = net.cost("latency", X)
    assert isinstance(cost, ProductCost)
    assert len(every(net)) == 32
    for architecture in every(net):
        assert cost(architecture) == seconds(net.derive(architecture)), architecture


def test_a_slow_call_now_and_then_does_not_count() -> None:
    class Sometimes(Takes):
        calls = 0

        def forward(self, x: Tensor, **named: Any) -> Tensor:
            self.calls += 1
            CLOCK.now += 1000.0 * (self.calls % 3 == 0)
            return super().forward(x)

    net = Supernet(Choice("op", {"a": Sometimes(1), "b": Sometimes(2)}))
    cost = net.cost("latency", X)
    assert [cost(a) for a in every(net)] == [1.0, 2.0]


def test_it_changes_nothing() -> None:
    net = Supernet(Choice("op", {"a": Takes(1), "b": Takes(2)})).train()
    before = torch.get_rng_state()
    x = X.clone()
    net.cost("latency", x, other=x)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(x, X)
    assert all(module.training for module in net.modules())
    assert all(part.is_first for part in net.modules() if isinstance(part, Takes))


class Timed(Chosen):
    """Not of `pdas.nn`: it says what is active, and derives."""

    def derive(self, architecture: Any, keep_weights: bool = False) -> nn.Module:
        times = {"relu": 1.0, "tanh": 2.0, "gelu": 5.0}
        names = ("first", "second")[: architecture["depth"]]
        return nn.Sequential(*(Takes(times[architecture[name]]) for name in names))


def test_of_any_supernet_that_derives() -> None:
    net = Timed()
    cost = latency(net, X, repeats=3)
    assert isinstance(cost, FunctionCost)
    for first in net.space["first"]:
        labels = {"depth": 1, "first": first, "second": "gelu"}
        one = net.space.architecture(labels)
        assert cost(one) == seconds(net.derive(one))
        # "second" is measured where it is in use, though it is not in the base.
        two = net.space.architecture(labels | {"depth": 2})
        assert cost(two) == seconds(net.derive(two))


def test_derived_networks_may_come_from_elsewhere() -> None:
    net = Chosen()
    cost = latency(net, X, derive=lambda a: Takes(8.0 if a["first"] == "tanh" else 2.0))
    assert cost(net.space.architecture([0, 0, 0])) == 2.0
    assert cost(net.space.architecture([0, 1, 0])) == 8.0


def test_what_cannot_be_timed_is_refused() -> None:
    net = stack()
    with pytest.raises(SettingError, match=r"^cost: found no inputs for 'latency', expected a bat"):
        net.cost("latency")
    with pytest.raises(SettingError, match=r"^repeats: found 0, expected an integer of at least 1"):
        latency(net, X, repeats=0)
    chosen = Chosen()
    chosen.derive = None  # type: ignore[assignment, method-assign]
    with pytest.raises(SettingError, match=r"^cost: found a Chosen without derive for 'latency'"):
        latency(chosen, X)
