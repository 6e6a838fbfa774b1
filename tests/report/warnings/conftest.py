"""Real searches of a tiny network, in a second or two each, into run directories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.nn import Choice, Supernet
from pdas.report.reader import Summary, read_summary

FEATURES, CLASSES = 8, 4


class Layer(nn.Module):
    """Points `(N, FEATURES + 1)`: the features go through a module, the last column has a price."""

    def __init__(self, module: nn.Module, price: float) -> None:
        super().__init__()
        self.module = module
        self.price = price

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.module(x[:, :-1]), x[:, -1:] + self.price], dim=1)


def network(choices: int = 6, linear: float = 0.0, skip: float = 0.0) -> Supernet:
    """A perceptron whose layers are linear, or nothing at all, at these prices."""
    torch.manual_seed(0)
    layers = [
        Choice(
            f"op{i}",
            {
                "linear": Layer(nn.Linear(FEATURES, FEATURES), linear),
                "skip": Layer(nn.Identity(), skip),
            },
        )
        for i in range(choices)
    ]
    return Supernet(
        nn.Sequential(
            nn.ConstantPad1d((0, 1), 0.0), *layers, Layer(nn.Linear(FEATURES, CLASSES), 0.0)
        )
    )


def examples(count: int = 1024, seed: int = 0, shift: float = 0.0) -> list[tuple[Tensor, Tensor]]:
    """Points with the label of their largest entry among the first four."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, FEATURES, generator=generator) + shift
    labels = points[:, :CLASSES].argmax(1)
    return list(zip(points, labels, strict=True))


def priced(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The cross entropy and the price of the layers."""
    points, labels = batch
    outputs = model(points)
    loss: Tensor = nn.functional.cross_entropy(outputs[:, :-1], labels)
    return loss + outputs[:, -1].relu().mean()


@dataclass(frozen=True)
class Tiny:
    """Runs a search into a run directory, by default of a `network` where each skip costs 0.1."""

    path: Path

    def __call__(
        self,
        steps: int,
        loss: Callable[..., Tensor] = priced,
        data: Any = None,
        net: Supernet | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> Summary:
        out = self.path / f"run-{len(list(self.path.iterdir()))}"
        pdas.search(
            network(skip=0.1) if net is None else net,
            loss,
            examples() if data is None else data,
            preset="paper",
            steps=steps,
            batch_size=32,
            optimizer={"learning_rate": 0.2},
            seed=seed,
            progress=False,
            out=out,
            **settings,
        )
        return read_summary(out)


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """See `Tiny`."""
    return Tiny(tmp_path)
