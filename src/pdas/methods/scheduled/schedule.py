"""When a method trains shared weights, and when it learns; and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from pdas.methods.planning.plan import (
    MOST_FINALISTS,
    ROUNDING,
    SCORED,
    Plan,
    PlanRequest,
    most_paid,
)
from pdas.methods.planning.search_plan import plan_finals
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

JUDGING = 0.3  # of the budget at most, for finalists that are judged with the shared weights


@dataclass(frozen=True)
class Schedule:
    """Some steps that train shared weights, then a scoring of architectures, and so on.

    Attributes:
        epochs: passes over D_W in all; None for as many as the budget of the search pays.
        every: passes over D_W between two scorings; below 1 it is a share of all steps. None
            scores nothing before the finalists.
        score: architectures of a scoring; below 1 it is their number for each step before it.
        group: how many of them are asked for, scored and told together; None for all.
        common: whether all of a group are scored on the same batches of D_theta, and not each on
            its own.
        batches: of D_theta on which an architecture is scored.

    Example:
        Schedule(every=1, score=300, group=10)  # as in ENAS
    """

    epochs: int | None = None
    every: float | None = None
    score: float = 0
    group: int | None = None
    common: bool = False
    batches: int = 1

    def period(self, steps: int, per_epoch: int) -> float | None:
        """The steps between two scorings; a share of all need not be a whole number of them.

        Args:
            steps: of the search.
            per_epoch: in a pass over D_W.
        """
        if self.every is None:
            return None
        if self.every < 1:
            return max(1.0, self.every * steps)
        return max(1, round(self.every * per_epoch))

    def scorings(self, period: float, steps: int) -> int:
        """The number of scorings until the end of a step.

        Args:
            period: the steps between two scorings.
            steps: that were done.
        """
        return int(steps / period + ROUNDING)

    def scored(self, period: float) -> int:
        """The architectures of a scoring.

        Args:
            period: the steps between two scorings.
        """
        if self.score >= 1:
            return int(self.score)
        group = self.group or 1
        return group * max(1, round(self.score * period / group))

    def plan(self, request: PlanRequest) -> Plan:
        """The plan of a search.

        Args:
            request: of the search.

        Raises:
            SettingError: the budget does not pay for a step, a scoring and the finalists.
        """
        finals = plan_finals(_affordable(request), request.budget)
        cost = partial(self._cost, request.settings.samples, request.per_epoch)
        if self.epochs is not None:
            steps = self.epochs * request.per_epoch
        else:
            left = request.budget - finals.cost
            steps = most_paid(cost, left + ROUNDING)
            if not steps:
                self._refuse(request, left)
        return finals.plan(steps, 0, 0, cost(steps) / steps)

    def _cost(self, samples: int, per_epoch: int, steps: int) -> float:
        """The training passes of all steps and of the scorings between them."""
        period = self.period(steps, per_epoch)
        if period is None:
            return steps * samples
        scoring = self.scored(period) * self.batches * SCORED
        return steps * samples + self.scorings(period, steps) * scoring

    def _refuse(self, request: PlanRequest, left: float) -> NoReturn:
        refuse(
            SettingError,
            f"search.{request.settings.length}",
            found=f"a budget of {request.budget:.0f} training passes, of which finalists leave "
            f"{max(left, 0):.0f}",
            expected=f"{self._cost(request.settings.samples, request.per_epoch, 1):.0f} at least",
            remedy="make the search longer, or score fewer architectures",
        )


def _affordable(request: PlanRequest) -> PlanRequest:
    """With no more finalists than a share of the budget pays to judge, or the space has."""
    settings = request.settings
    if settings.finalists_share or not settings.finalists:
        return request
    most = int(JUDGING * request.budget / (request.theta_per_epoch * SCORED))
    if request.most_finalists < MOST_FINALISTS:  # all architectures of a small space
        most = min(most, request.most_finalists)
    finalists = min(settings.finalists, most)
    return replace(request, settings=settings.model_copy(update={"finalists": finalists}))
