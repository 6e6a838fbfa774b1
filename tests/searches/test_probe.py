"""`pdas.probe`: the shared weights against trainings of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, OptionalLayer, Supernet
from pdas.searches.probe import _compared, _spearman
from pdas.support.errors import SettingError


def net() -> Supernet:
    """A regression in which the power of the data is one choice of two."""
    torch.manual_seed(0)
    powers = {str(p): Power(p) for p in (1, 2, 3)}
    return Supernet(
        nn.Sequential(Choice("power", powers), OptionalLayer("tanh", nn.Tanh()), nn.Linear(1, 1))
    )


class Power(nn.Module):
    def __init__(self, power: int) -> None:
        super().__init__()
        self.power = power

    def forward(self, x: Tensor) -> Tensor:
        return x**self.power


def data() -> TensorDataset:
    x = torch.linspace(-1.5, 1.5, 400).unsqueeze(1)
    return TensorDataset(x, 3 * x**2)


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def test_what_is_better_by_itself_is_better_by_the_shared_weights() -> None:
    found = pdas.probe(
        net(), loss, data(), steps=200, batch_size=20, optimizer={"learning_rate": 0.03}
    )
    assert len(found.architectures) == len(set(found.architectures)) == 6
    best = {found.architectures[int(losses.argmin())] for losses in (found.shared, found.own)}
    assert {a["power"] for a in best} == {"2"}
    expected = stats.spearmanr(found.shared, found.own).statistic
    assert 0.3 < found.correlation == pytest.approx(expected)
    assert found.interval[0] <= found.correlation <= found.interval[1] <= 1
    assert str(found).startswith(f"rank correlation {found.correlation:.2f} [")


def test_the_same_seed_gives_the_same() -> None:
    one, other = (pdas.probe(net(), loss, data(), steps=5, batch_size=20) for _ in range(2))
    assert np.array_equal(one.shared, other.shared) and np.array_equal(one.own, other.own)


def test_theta_does_not_learn_and_the_limit_holds() -> None:
    supernet = net()
    cost = pdas.cost.FunctionCost(supernet.space, lambda a: float(a["power"]))
    found = pdas.probe(
        supernet, loss, data(), steps=5, batch_size=20, limit=pdas.Limit(cost, 2), own_steps=3
    )
    assert len(found.architectures) == 4
    assert {a["power"] for a in found.architectures} == {"1", "2"}


def test_the_correlation_is_spearmans_with_infinite_losses_last() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 20)).round(1)  # with ties
    assert _spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert _spearman(np.array([1.0, 2.0, np.inf]), np.array([0.0, 5.0, 6.0])) == pytest.approx(1)
    assert np.isnan(_spearman(np.ones(3), np.arange(3.0)))


def test_the_interval_covers_the_correlation_of_many() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        one = rng.normal(size=30)
        found = _compared([None] * 30, one, one + rng.normal(size=30))  # type: ignore[list-item]
        covered += found.interval[0] <= 0.690 <= found.interval[1]  # 6/pi asin(sqrt(1/2)/2)
    assert covered >= 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architectures": 2}, "architectures: found 2, expected at least 3"),
        ({"epoch": 2}, "search.epoch: there is no such setting"),
        ({"preset": "fast"}, "preset: found 'fast', expected one of default, paper"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        pdas.probe(net(), loss, data(), **arguments)


def test_a_network_that_cannot_be_derived_is_named() -> None:
    class Bare(nn.Linear):
        space = pdas.SearchSpace({"a": [1, 2, 3]})

    with pytest.raises(SettingError, match=r"net: Bare has no derive\(architecture\)"):
        pdas.probe(Bare(1, 1), loss, data())
