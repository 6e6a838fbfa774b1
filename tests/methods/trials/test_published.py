"""Trials whose number and length are both set, as for published lengths."""

from __future__ import annotations

from pdas.methods.planning.plan import PlanRequest
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.schedule import TrialSchedule


def test_the_number_and_the_length_of_trials_may_both_be_set() -> None:
    request = PlanRequest(SearchSettings(epochs=10), per_epoch=30, theta_per_epoch=30)
    plan = TrialSchedule(trials=1000, epochs=20).plan(request)
    assert (plan.steps, plan.length) == (1000, 600)
    assert plan.cost_until(1000) == 1000 * (600 + 30 / 3)


def test_the_length_alone_leaves_the_number_to_the_budget() -> None:
    request = PlanRequest(SearchSettings(epochs=10), per_epoch=30, theta_per_epoch=30)
    plan = TrialSchedule(epochs=2).plan(request)
    assert (plan.steps, plan.length) == (int(800 / (60 + 10)), 60)
