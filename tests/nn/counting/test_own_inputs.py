"""Networks that change their input: each run and each candidate has one of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Choice, Linear, Repeat, Supernet, Value


class Pops(nn.Module):
    """Takes what it needs from a mapping."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [2, 3])
        self.layers = nn.Sequential(Linear(4, width), Linear(width, 2))

    def forward(self, batch: dict[str, list[Tensor]]) -> Tensor:
        return self.layers(batch.pop("x").pop())


class Turns(nn.Module):
    """Changes the shape of its input in place, which fits only once."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape == (3, 4)
        return x.t_().t()


class Halves(nn.Module):
    """Fails on an input that it, or another one, has changed before."""

    def forward(self, x: Tensor) -> Tensor:
        assert bool((x == 1).all())
        return x.mul_(0.5)


CASES: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "mapping": (Pops, {"x": [torch.ones(3, 4)]}),
    "shape": (lambda: Choice("op", {"a": Turns(), "b": Turns()}), torch.ones(3, 4)),
    "values": (lambda: Choice("op", {"a": Halves(), "b": Halves()}), torch.ones(3, 4)),
    "blocks": (
        lambda: Repeat("depth", [nn.Sequential(Halves(), nn.Threshold(1, 1)) for _ in range(3)]),
        torch.ones(3, 4),
    ),
}


@pytest.mark.filterwarnings("ignore:latency. found sums that are off")  # it is measured in earnest
@pytest.mark.parametrize("kind", CASES)
def test_it_is_checked_counted_and_timed(kind: str) -> None:
    make, x = CASES[kind]
    net = Supernet(make())
    net.check(x)
    for quantity in ("multiply_adds", "latency"):
        cost = net.cost(quantity, x)  # type: ignore[arg-type]
        assert isinstance(cost(net.space.architecture([0] * len(net.space))), float)
    tensor = x["x"][0] if isinstance(x, dict) else x
    assert torch.equal(tensor, torch.ones(3, 4))
