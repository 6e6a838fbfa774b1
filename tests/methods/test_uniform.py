"""Random search, and random sampling with shared weights."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.uniform import Uniform
from pdas.nn import Choice, Supernet
from pdas.testing import OptimizerTests

SPACE = pdas.SearchSpace({"op": ["a", "b", "c"], "width": [1, 2]})


class TestUniform(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: Uniform(space, seed=seed)


def test_its_draws_are_uniform_whatever_it_is_told() -> None:
    optimizer = Uniform(SPACE, seed=1)
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(600):
        asked = optimizer.ask(2)
        counts.update(tuple(a.indices.tolist()) for a in asked)
        optimizer.tell(asked, [float(a.indices.sum()) for a in asked])
    expected = 1200 / 6
    assert len(counts) == 6
    # Chi-square with 5 degrees of freedom: 20.5 is its 99.9 % quantile.
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 20.5
    assert optimizer.best().indices.tolist() == [0, 0]


def data() -> TensorDataset:
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x[:, :1] * x[:, 1:2]))


def loss(model: Any, batch: Any) -> torch.Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def test_rsps_returns_the_finalist_with_the_least_loss_of_the_shared_weights() -> None:
    torch.manual_seed(0)
    layers = [
        nn.Linear(4, 8),
        Choice("first", {"relu": nn.ReLU(), "zero": nn.Threshold(1e9, 0.0), "tanh": nn.Tanh()}),
        nn.Linear(8, 8),
        Choice("second", {"relu": nn.ReLU(), "zero": nn.Threshold(1e9, 0.0)}),
        nn.Linear(8, 1),
    ]
    net = Supernet(nn.Sequential(*layers))
    options: dict[str, Any] = {"preset": "paper", "epochs": 20, "batch_size": 10, "finalists": 6}
    told: list[pdas.Progress] = []
    result = pdas.search(net, loss, data(), method="rsps", on_step=told.append, **options)
    losses = [each.shared_loss for each in result.finalists]
    assert len({each.architecture for each in result.finalists}) == 6  # all there are
    assert losses == sorted(losses) and result.architecture == result.finalists[0].architecture
    # 20 epochs of 4 batches, of 2 * 4/3 passes each, without those that judge 6 finalists.
    assert told[-1].steps == int(80 * 8 / 3 - 6 * 4 / 3)
    assert "theta_loss" not in told[-1].measures
