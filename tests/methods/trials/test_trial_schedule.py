"""How many networks a search trains one by one, and how long."""

from __future__ import annotations

from typing import Any

import pytest

import pdas
from pdas.methods.planning.plan import PlanRequest
from pdas.methods.trials.schedule import TrialPlan, TrialSchedule
from pdas.support.errors import SettingError

PAPER = pdas.SearchSettings(epochs=200, samples=2)  # on half of CIFAR-10
PER_EPOCH = 391


def planned(
    schedule: TrialSchedule, settings: Any = PAPER, per_epoch: int = PER_EPOCH
) -> TrialPlan:
    return schedule.plan(PlanRequest(settings, per_epoch, per_epoch))


def spent(plan: TrialPlan, per_epoch: int) -> float:
    """The passes of all trials: a third for each judged batch, of which there is one a step."""
    lengths = [plan.length_of(trial) for trial in range(plan.steps)]
    return sum(length + min(length, per_epoch) / 3 for length in lengths)


def test_a_hundred_trials_of_five_epochs_are_the_papers_search() -> None:
    """200 epochs of two samples and their scores: 533 passes over D_W, of which 33 judge."""
    plan = planned(TrialSchedule(trials=100))
    assert (plan.steps, plan.length) == (100, 5 * PER_EPOCH)
    assert planned(TrialSchedule(epochs=5)).steps == 100


@pytest.mark.parametrize("samples", [1, 2, 20])
def test_the_budget_does_not_depend_on_how_many_are_asked_for(samples: int) -> None:
    settings = PAPER.model_copy(update={"samples": samples})
    assert planned(TrialSchedule(), settings) == planned(TrialSchedule())


def test_longer_ones_at_the_beginning() -> None:
    plan = planned(TrialSchedule(epochs=3, first=20, longer=5))
    assert [plan.length_of(i) for i in (0, 19, 20)] == [15 * PER_EPOCH] * 2 + [3 * PER_EPOCH]
    assert plan.steps == 20 + int((533 + 1 / 3 - 20 * (15 + 1 / 3)) / (3 + 1 / 3))
    shared = planned(TrialSchedule(trials=plan.steps, first=20, longer=5))
    assert 3 * PER_EPOCH <= shared.length < 3.1 * PER_EPOCH


@pytest.mark.parametrize("epochs", [1, 12, 200])
@pytest.mark.parametrize("per_epoch", [4, 156])
@pytest.mark.parametrize(
    "schedule",
    [
        TrialSchedule(trials=7),
        TrialSchedule(epochs=0.25),
        TrialSchedule(trials=9, first=3, longer=2.5),
        TrialSchedule(epochs=0.25, first=3, longer=2),
    ],
)
@pytest.mark.parametrize("finals", [{}, {"finalists": 3, "finalists_share": 0.25}])
def test_the_budget_is_spent_and_not_more(
    schedule: TrialSchedule, epochs: int, per_epoch: int, finals: dict[str, Any]
) -> None:
    settings = pdas.SearchSettings(epochs=epochs, **finals)
    budget = epochs * per_epoch * 2 * (1 + 1 / 3)
    try:
        plan = planned(schedule, settings, per_epoch)
    except SettingError:
        assert budget < 40
        return
    total = spent(plan, per_epoch)
    assert plan.cost_until(plan.steps) == pytest.approx(total)
    assert plan.trial_passes == pytest.approx(finals.get("finalists_share", 0) * budget)
    left = budget - plan.trial_passes
    one_more = TrialPlan(**{**vars(plan), "steps": plan.steps + 1})
    longer = TrialPlan(
        **{
            **vars(plan),
            "length": plan.length + 1,
            "first_length": round(schedule.longer * (plan.length + 1)),
        }
    )
    assert total <= left + 1e-6
    assert left < spent(one_more if schedule.epochs else longer, per_epoch) + 1e-6


@pytest.mark.parametrize(
    ("schedule", "line"),
    [
        (
            TrialSchedule(trials=100),
            "search.epochs: found a budget of 11 training passes for 100 trials, expected enough "
            "for a step of each; make the search longer, or lower search.method.trials",
        ),
        (
            TrialSchedule(epochs=5),
            "search.epochs: found a budget of 11 training passes for one trial of 5 epochs, "
            "expected enough for one; make the search longer, or lower search.method.epochs",
        ),
    ],
)
def test_a_budget_that_does_not_pay_a_trial_is_one_line(schedule: TrialSchedule, line: str) -> None:
    with pytest.raises(SettingError) as refused:
        planned(schedule, pdas.SearchSettings(epochs=1), 4)
    assert str(refused.value) == line


def test_the_number_and_the_length_of_trials_may_both_be_set() -> None:
    plan = planned(TrialSchedule(trials=1000, epochs=20), pdas.SearchSettings(epochs=10), 30)
    assert (plan.steps, plan.length) == (1000, 600)
    assert plan.cost_until(1000) == 1000 * (600 + 30 / 3)


def test_the_length_alone_leaves_the_number_to_the_budget() -> None:
    plan = planned(TrialSchedule(epochs=2), pdas.SearchSettings(epochs=10), 30)
    assert (plan.steps, plan.length) == (int(800 / (60 + 10)), 60)
