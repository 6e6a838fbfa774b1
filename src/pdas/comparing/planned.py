"""What a search is planned to cost, in training passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdas.methods.plan import CHECK, SCORED
from pdas.searches.arguments import most_networks
from pdas.searches.planning import _cost_of_steps, plan_search

if TYPE_CHECKING:
    from pdas.experiment.preparation import Opened, Prepared
    from pdas.methods.settings import SearchSettings


def planned_passes(prepared: Prepared, settings: SearchSettings, opened: Opened) -> float:
    """The training passes of a search.

    Args:
        prepared: the search.
        settings: of it.
        opened: its data on its devices.

    Returns:
        A forward pass without a backward pass counts a third; 0 if the method does not train.

    Raises:
        SettingError: the budget is too small.
    """
    if prepared.network is None:
        return 0.0
    per_epoch, theta_per_epoch = map(len, prepared.batches)
    plan = plan_search(settings, per_epoch, theta_per_epoch, most_networks(opened.task.space))
    finals = plan.trial_passes or plan.finalists * theta_per_epoch * SCORED
    look = CHECK if plan.warmup else 0.0
    return _cost_of_steps(plan, settings, plan.steps) + finals + look
