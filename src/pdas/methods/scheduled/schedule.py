"""When a method trains shared weights, and when it learns; and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pdas.methods.planning.plan import SCORED, Plan, PlanRequest
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
        score: architectures of a scoring.
        group: how many of them are asked for, scored and told together; None for all.
        common: whether all of a group are scored on the same batches of D_theta, and not each on
            its own.
        batches: of D_theta on which an architecture is scored.

    Example:
        Schedule(every=1, score=300, group=10)  # as in ENAS
    """

    epochs: int | None = None
    every: float | None = None
    score: int = 0
    group: int | None = None
    common: bool = False
    batches: int = 1

    @property
    def scoring(self) -> float:
        """The cost of a scoring in training passes."""
        return self.score * self.batches * SCORED

    def period(self, steps: int, per_epoch: int) -> int | None:
        """The steps between two scorings.

        Args:
            steps: of the search.
            per_epoch: in a pass over D_W.
        """
        if self.every is None:
            return None
        return max(1, round(self.every * (steps if self.every < 1 else per_epoch)))

    def plan(self, request: PlanRequest) -> Plan:
        """The plan of a search.

        Args:
            request: of the search.

        Raises:
            SettingError: the budget does not pay for a step, a scoring and the finalists.
        """
        finals = plan_finals(_affordable(request), request.budget)
        left, samples = request.budget - finals.cost, request.settings.samples
        if self.epochs is not None:
            steps = self.epochs * request.per_epoch
        elif self.every is None:
            steps = int(left / samples)
        elif self.every < 1:
            steps = int((left - math.floor(1 / self.every) * self.scoring) / samples)
        else:
            per_step = self.scoring / (self.every * request.per_epoch)
            steps = int(left / (samples + per_step))
        if steps < 1:
            refuse(
                SettingError,
                f"search.{request.settings.length}",
                found=f"a budget of {request.budget:.0f} training passes, of which {left:.0f} are "
                f"left by finalists, and a scoring of {self.score} architectures costs "
                f"{self.scoring:.0f}",
                expected="enough for a step",
                remedy="make the search longer, or score fewer",
            )
        period = self.period(steps, request.per_epoch)
        scorings = steps // period if period else 0
        return finals.plan(steps, 0, 0, samples + scorings * self.scoring / steps)


def _affordable(request: PlanRequest) -> PlanRequest:
    """With no more finalists than a share of the budget pays to judge."""
    settings = request.settings
    if settings.finalists_share or not settings.finalists:
        return request
    most = int(JUDGING * request.budget / (request.theta_per_epoch * SCORED))
    finalists = min(settings.finalists, most)
    return replace(request, settings=settings.model_copy(update={"finalists": finalists}))
