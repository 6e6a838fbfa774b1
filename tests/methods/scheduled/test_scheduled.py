"""Shared weights that are trained in every step, and scorings of the optimizer now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.observed import Observed
from pdas.methods.optimizer import checked_losses
from pdas.methods.planning.plan import PlanRequest
from pdas.methods.scheduled.method import Scheduled
from pdas.methods.scheduled.schedule import Schedule
from pdas.methods.settings import SearchSettings
from pdas.space import Architecture
from pdas.support.errors import SettingError
from pdas.testing import MethodCase, MethodTests


class Slope(nn.Module):
    """A line whose slope is scaled by a choice."""

    space = pdas.SearchSpace({"scale": [0.5, 1.0, 2.0], "sign": [-1, 1]})

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.slope * x * architecture["scale"] * architecture["sign"]


def data(n: int = 80) -> TensorDataset:
    x = torch.linspace(-1, 1, n)
    return TensorDataset(x, 2 * x)


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    wrong = (model(batch[0]) - batch[1]).abs()
    return {"loss": wrong.square().mean(), "accuracy": (wrong < 0.5).float().mean()}


@dataclass
class Uniform:
    """Uniform draws; it remembers what it was asked and told."""

    space: pdas.SearchSpace
    asked: list[Any] = field(default_factory=list)
    told: list[tuple[int, list[float]]] = field(default_factory=list)
    smallest_tell: int = 1

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self.observed = Observed(self.space)

    def ask(self, n: int | None = None) -> list[Architecture]:
        drawn = [self.space.uniform(self._rng) for _ in range(n or 1)]
        self.asked.append(n)
        return drawn

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        indices, values = checked_losses(self.space, architectures, losses)
        self.told.append((len(architectures), values.tolist()))
        self.observed.add(indices, values)

    def best(self) -> Architecture:
        return (self.observed.best(1) or [self.space.architecture([0, 0])])[0]

    def measures(self) -> dict[str, float]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {"random": self._rng.bit_generator.state, "seen": self.observed.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state["random"]
        self.observed.load_state_dict(state["seen"])


SCHEDULE = Schedule(every=1, score=6, group=3)


def run(schedule: Schedule, **settings: Any) -> tuple[Any, Uniform]:
    net = Slope()
    optimizer = Uniform(net.space)
    method = Scheduled(optimizer, None, schedule)
    options = {"preset": "paper", "epochs": 6, "batch_size": 10, "samples": 1} | settings
    return pdas.search(net, loss, data(), method=method, **options), optimizer


class TestScheduled(MethodTests):
    @pytest.fixture
    def case(self) -> Any:
        def make() -> MethodCase:
            method = lambda net: Scheduled(Uniform(net.space), None, SCHEDULE)  # noqa: E731
            return MethodCase(method, Slope(), loss, data(), {"samples": 1})

        return make


def test_a_scoring_is_told_in_groups_at_the_end_of_each_period() -> None:
    result, optimizer = run(SCHEDULE)
    steps = result.history[-1].steps
    assert optimizer.asked.count(1) == steps
    assert [n for n, _ in optimizer.told] == [3, 3] * (steps // 4)  # 40 of D_W, in batches of 10
    assert all(0 <= value <= 1 for _, values in optimizer.told for value in values)  # errors
    assert result.architecture == optimizer.observed.best(1)[0]
    assert {"loss", "theta_loss", "theta_accuracy"} <= result.history[0].measures.keys()


def test_a_loss_that_is_not_finite_is_told_so_whatever_accuracy_goes_with_it() -> None:
    def partly(model: Any, batch: Any) -> dict[str, Tensor]:
        measures = loss(model, batch)
        wrong = (model(batch[0]) * batch[0]).mean() < 0  # of the negative sign
        if wrong and not torch.is_grad_enabled():
            measures["loss"] = measures["loss"] * torch.inf
        return measures

    net = Slope()
    method = Scheduled(Uniform(net.space), None, SCHEDULE)
    settings = SearchSettings(epochs=12, batch_size=10, samples=1)
    optimizer = pdas.search(net, partly, data(), method=method, settings=settings).optimizer
    told = [value for _, values in optimizer.told for value in values]
    assert np.isinf(told).any() and np.isfinite(told).any()
    assert all(0 <= value <= 1 for value in told if np.isfinite(value))


@pytest.mark.parametrize(
    ("schedule", "finalists"),
    [
        (SCHEDULE, 0),
        (Schedule(every=2, score=5, common=True, batches=2), 3),
        (Schedule(every=0.34, score=4, common=True), 2),
        (Schedule(every=1, score=0.75, group=2), 0),
        (Schedule(every=0.5, score=0.9), 0),
        (Schedule(), 4),
        (Schedule(epochs=3), 0),
    ],
)
def test_all_passes_together_are_those_of_the_plan(schedule: Schedule, finalists: int) -> None:
    passes = {True: 0, False: 0}  # with and without a gradient

    def counted(model: Any, batch: Any) -> Any:
        passes[torch.is_grad_enabled()] += 1
        return loss(model, batch)

    net = Slope()
    method = Scheduled(Uniform(net.space), None, schedule)
    settings = SearchSettings(epochs=12, batch_size=10, samples=1, finalists=finalists)
    pdas.search(net, counted, data(), method=method, settings=settings)
    plan = method.plan(PlanRequest(settings, per_epoch=4, theta_per_epoch=4))
    spent = passes[True] + passes[False] / 3
    planned = plan.cost_until(plan.steps) + plan.finalists * 4 / 3
    assert spent == pytest.approx(planned)
    if schedule.epochs is None:  # the paper's search trains and scores two in each of 48 steps
        assert spent <= 48 * 2 * 4 / 3 + 1e-9
        period = schedule.period(plan.steps, 4)
        scoring = schedule.scored(period) * schedule.batches / 3 if period else 0
        assert spent > 48 * 2 * 4 / 3 - 1 - scoring
    else:
        assert plan.steps == 12


def test_architectures_are_drawn_by_sample_where_the_optimizer_has_it() -> None:
    class Pool(Uniform):
        def sample(self, n: int | None = None) -> list[Architecture]:
            return [self.space.architecture([1, 1])] * (n or 1)

    net = Slope()
    optimizer = Pool(net.space)
    method = Scheduled(optimizer, None, SCHEDULE)
    pdas.search(
        net, loss, data(), method=method, preset="paper", epochs=3, batch_size=10, samples=1
    )
    assert set(optimizer.asked) == {3}
    assert float(net.slope.detach()) > 1.2  # only the slope of +1 was trained, towards 2


@pytest.mark.parametrize("steps", [*range(5, 25), 997, 1003])
def test_shares_of_a_search_end_with_its_last_step(steps: int) -> None:
    schedule = Schedule(every=1 / 5, score=10)
    period = schedule.period(steps, per_epoch=7)
    assert period is not None
    done = [schedule.scorings(period, step) for step in range(steps + 1)]
    assert (done[steps], done[steps - 1]) == (5, 4)
    lengths = [done.index(k + 1) - done.index(k) for k in range(5)]
    assert max(lengths) - min(lengths) <= 1


def test_too_many_finalists_are_cut_to_what_a_share_of_the_budget_pays() -> None:
    request = PlanRequest(SearchSettings(epochs=10, finalists=100, samples=1), 30, 30)
    plan = Schedule().plan(request)
    assert plan.finalists == int(0.3 * 800 / 10)
    assert plan.steps == 800 - plan.finalists * 10


def test_a_small_space_has_no_more_finalists_than_architectures() -> None:
    settings = SearchSettings(epochs=100, samples=1, finalists=100)
    few, all_ = (Schedule().plan(PlanRequest(settings, 10, 10, most)) for most in (6, 100))
    assert (few.finalists, all_.finalists) == (6, 100)
    assert few.steps == all_.steps + round(94 * 10 / 3)  # which the others would have cost


def test_a_budget_below_one_scoring_is_refused_in_one_line() -> None:
    request = PlanRequest(SearchSettings(steps=10, epochs=None, samples=1), 30, 30)
    with pytest.raises(SettingError, match=r"search\.steps: .* make the search longer") as caught:
        Schedule(every=0.2, score=1000).plan(request)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("masked", [True, False])
def test_the_variables_in_use_are_told_unless_that_is_off(masked: bool) -> None:
    class Partly(Slope):
        def active(self, architecture: Architecture) -> Any:
            return np.array([True, architecture["scale"] != 0.5])

    class Noting(Uniform):
        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            noted.append((architectures, active))
            super().tell(architectures, losses, active)

    noted: list[tuple[Any, Any]] = []
    net = Partly()
    pdas.search(
        net,
        loss,
        data(),
        method=Scheduled(Noting(net.space), None, SCHEDULE),
        preset="paper",
        epochs=6,
        batch_size=10,
        samples=1,
        mask_inactive=masked,
    )
    assert noted
    for architectures, active in noted:
        if masked:
            assert active.tolist() == [net.active(each).tolist() for each in architectures]
        else:
            assert active is None
