"""How a search divides its length between steps, the warm-up and the training of finalists.

The unit of cost is a training pass of one architecture on one batch. A forward pass without a
backward pass counts a third. The settings set the length in steps of the paper's search, each of
which trains and scores `samples` architectures. The cost of these steps is the budget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from pdas.methods.planning.halving_rounds import (
    cost,
    least_steps,
    more_finalists,
    rounds,
    whole_steps,
)
from pdas.methods.planning.plan import CHECK, MOST_FINALISTS, ROUNDING, SCORED, Plan, PlanRequest
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.methods.settings import SearchSettings

# The time of a pass of a network by itself, in that of a pass in the supernet, where several
# architectures share what they have in common: 0.8, 1.4 and 2.6 in three searches, since it depends
# on which architectures are found.
ALONE = 1.5


def plan_search(
    settings: SearchSettings,
    per_epoch: int,
    theta_per_epoch: int,
    most_finalists: int = MOST_FINALISTS,
) -> Plan:
    """The plan of a search.

    Args:
        settings: of the search.
        per_epoch: batches in a pass over D_W.
        theta_per_epoch: batches in a pass over D_theta.
        most_finalists: the largest number of finalists, where each is trained for
            `finalists_epochs` and the budget allows more of them.

    Raises:
        SettingError: no step is left in which theta learns, or not one step for some finalist.
    """
    samples = settings.samples
    theta_samples = settings.theta_samples or samples
    whole = settings.total_steps(per_epoch) * samples * (1 + SCORED)
    request = PlanRequest(settings, per_epoch, theta_per_epoch, most_finalists)
    finals = plan_finals(request, whole)
    left = whole - finals.cost - (CHECK if settings.warmup else 0.0)
    if left < samples + theta_samples * SCORED:
        refuse_length(settings, left, whole)
    steps, warmup = _steps(settings.warmup, left, samples, theta_samples)
    if warmup >= steps:
        refuse(
            SettingError,
            "search.warmup",
            found=f"{settings.warmup:g}, which is all of {steps} steps",
            expected="to leave some in which theta learns",
            remedy="lower it, or make the search longer",
        )
    return finals.plan(steps, warmup, theta_samples, samples)


@dataclass(frozen=True)
class Finals:
    """The end of a search: how many finalists are compared, and what that costs.

    Attributes:
        finalists: their number.
        trial_passes: for their separate trainings; 0 where they are judged with shared weights.
        trial_steps: see `Plan`.
        cost: of all of it, in training passes.

    Example:
        plan_finals(request, request.budget).cost
    """

    finalists: int
    trial_passes: float
    trial_steps: int | None
    cost: float

    def plan(self, steps: int, warmup: int, theta_samples: int, step_passes: float) -> Plan:
        """The plan with these steps before it; for the arguments see `Plan`."""
        return Plan(
            steps,
            warmup,
            theta_samples,
            self.finalists,
            self.trial_passes,
            self.trial_steps,
            step_passes,
        )


def plan_finals(request: PlanRequest, whole: float) -> Finals:
    """The end of a search, as its settings ask for it.

    Args:
        request: of the search.
        whole: the budget of the search in training passes.

    Raises:
        SettingError: not one step is left for some finalist.
    """
    settings, theta_per_epoch = request.settings, request.theta_per_epoch
    trial_steps = settings.finalists_epochs and settings.finalists_epochs * request.per_epoch
    finalists, passes = _trials(
        settings, whole, trial_steps, theta_per_epoch, request.most_finalists
    )
    scoring = 0.0 if passes else settings.finalists * theta_per_epoch * SCORED
    return Finals(finalists, passes, trial_steps, passes + scoring)


def plan_after(plan: Plan, settings: SearchSettings, step: int, theta_per_epoch: int) -> Plan:
    """The plan of a search whose steps end early: finalists cost the same share as planned.

    Args:
        plan: of the search.
        settings: of the search.
        step: the last one.
        theta_per_epoch: batches in a pass over D_theta.

    Returns:
        With fewer finalists where the rest would not be trained for a single step, and none where
        there is too little for two of them.
    """
    share = plan.cost_until(step) / plan.cost_until(plan.steps)
    passes, most = share * plan.trial_passes, plan.finalists
    if not passes:
        most = int(share * most)
        return replace(plan, finalists=most if most > 1 else 0)
    if plan.trial_steps is not None:
        most = more_finalists(settings.finalists, most, plan.trial_steps, passes, theta_per_epoch)
    trained = [
        count
        for count in range(2, most + 1)
        if whole_steps(rounds(count), passes, theta_per_epoch, plan.trial_steps)
        >= least_steps(count)
    ]
    return replace(plan, finalists=max(trained, default=0), trial_passes=passes)


def share_of_steps(plan: Plan, theta_per_epoch: int) -> float:
    """The share of the cost of a search until its last step; finalists have the rest.

    Args:
        plan: of the search.
        theta_per_epoch: batches in a pass over D_theta.
    """
    return 1 - _cost_of_finals(plan, theta_per_epoch) / whole_cost(plan, theta_per_epoch)


def whole_cost(plan: Plan, theta_per_epoch: int) -> float:
    """The training passes of a search: of steps, of the check after a warm-up, and of finalists.

    Args:
        plan: of the search.
        theta_per_epoch: batches in a pass over D_theta.
    """
    check = CHECK if plan.warmup else 0.0
    return plan.cost_until(plan.steps) + check + _cost_of_finals(plan, theta_per_epoch)


def cost_after(plan: Plan, step: int, theta_per_epoch: int) -> float:
    """What the finalists cost if the steps end after this one, in passes of shared weights.

    Args:
        plan: of the search.
        step: the last one.
        theta_per_epoch: batches in a pass over D_theta.
    """
    share = plan.cost_until(step) / plan.cost_until(plan.steps)
    return share * ALONE * _cost_of_finals(plan, theta_per_epoch)


def _cost_of_finals(plan: Plan, theta_per_epoch: int) -> float:
    return plan.trial_passes or plan.finalists * theta_per_epoch * SCORED


def _trials(
    settings: SearchSettings,
    whole: float,
    trial_steps: int | None,
    theta_per_epoch: int,
    most_finalists: int,
) -> tuple[int, float]:
    """The number of finalists, and the training passes for their trainings."""
    finalists, passes = settings.finalists, settings.finalists_share * whole
    if trial_steps is not None:
        most = max(finalists, most_finalists)
        finalists = more_finalists(finalists, most, trial_steps, passes, theta_per_epoch)
        if finalists == most:  # more passes have no use here, so the steps get the rest
            passes = min(passes, cost(rounds(most), trial_steps, theta_per_epoch))
    _check_trials(settings, finalists, passes, trial_steps, theta_per_epoch)
    return finalists, passes


def refuse_length(settings: SearchSettings, left: float, whole: float) -> NoReturn:
    """Refuse a search of which the end leaves too little for a step.

    Args:
        settings: of the search.
        left: training passes for steps.
        whole: its budget.
    """
    leave = f"leave {max(left, 0):.0f} of {whole:.0f} training passes"
    finals = bool(settings.finalists)
    refuse(
        SettingError,
        "search.finalists" if finals else "search.warmup",
        found=f"{settings.finalists}, whose scoring and training {leave}"
        if finals
        else f"{settings.warmup:g}, with a check of the weights after it that would {leave}",
        expected="enough for a step",
        remedy="make the search longer, or lower search.finalists or search.finalists_share"
        if finals
        else "make the search longer, or set it to 0",
    )


def _check_trials(
    settings: SearchSettings,
    finalists: int,
    passes: float,
    most: int | None,
    theta_per_epoch: int,
) -> None:
    """Refuse a budget with which some finalist would not be trained for a single step."""
    if not passes:
        return
    sizes, least = rounds(finalists), least_steps(finalists)
    found = whole_steps(sizes, passes, theta_per_epoch, most)
    if found >= least:
        return
    if found == most:
        refuse(
            SettingError,
            "search.finalists_epochs",
            found=f"{settings.finalists_epochs}, which is {most} steps",
            expected=f"at least {least} for the rounds of {finalists} finalists",
            remedy="raise it, or lower search.finalists",
        )
    refuse(
        SettingError,
        "search.finalists_share",
        found=f"{settings.finalists_share}, which is {passes:.0f} training passes for {finalists} "
        f"finalists, of which the last {sizes[-1]} would be trained for {found} steps",
        expected=f"at least {least}",
        remedy="raise it, make the search longer, or lower search.finalists",
    )


def _steps(warmup: float, passes: float, samples: int, theta_samples: int) -> tuple[int, int]:
    """The number of steps for a number of passes, and of those in the warm-up."""
    theta = theta_samples * SCORED  # passes of a step for theta
    if warmup < 1:  # a share of the steps, which is rounded: begin too high and lower it to fit
        steps = int((passes + theta) / (samples + (1 - warmup) * theta))
        while steps * samples + (steps - round(warmup * steps)) * theta > passes + ROUNDING:
            steps -= 1
        return steps, round(warmup * steps)
    most = int(passes / samples + ROUNDING)  # all steps are warm-up; the caller refuses that
    rest = passes - warmup * samples
    return min(int(warmup + rest / (samples + theta) + ROUNDING), most), int(warmup)
