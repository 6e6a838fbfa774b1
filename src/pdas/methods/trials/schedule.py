"""How many networks a method trains one by one, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from pdas.methods.planning.halving_rounds import cost
from pdas.methods.planning.plan import ROUNDING, Plan, PlanRequest, most_paid
from pdas.methods.planning.search_plan import plan_finals
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

TRIALS = 100  # where neither their number nor their length is set


@dataclass(frozen=True)
class TrialPlan(Plan):
    """The plan of a search of trials: a step is one trial.

    Attributes:
        first: the number of longer trials at the beginning.
        first_length: their training steps.
        length: those of each later trial.

    Example:
        TrialSchedule(trials=100).plan(request).length
    """

    first: int
    first_length: int
    length: int

    def length_of(self, trial: int) -> int:
        """The training steps of a trial.

        Args:
            trial: its number, from 0.
        """
        return self.first_length if trial < self.first else self.length


@dataclass(frozen=True)
class TrialSchedule:
    """Networks that are trained one by one; see `Trials`.

    Attributes:
        trials: their number, by default 100; each gets an equal share of the budget.
        epochs: passes over D_W of each. Without `trials` the budget then decides their number; with
            both, the search costs what they cost.
        first: the number of trials at the beginning that are longer.
        longer: how many times as long these are.
        inherit: whether a network begins with the weights of its parent, which the optimizer names
            by `parent(architecture)`.

    Example:
        TrialSchedule(trials=100)
        TrialSchedule(epochs=3, first=20, longer=5, inherit=True)
    """

    trials: int | None = None
    epochs: float | None = None
    first: int = 0
    longer: float = 1.0
    inherit: bool = False

    def plan(self, request: PlanRequest) -> TrialPlan:
        """The plan of a search. A third of a pass is for each batch on which a trial is judged.

        Args:
            request: of the search.

        Raises:
            SettingError: the budget does not pay for a trial and the finalists.
        """
        finals = plan_finals(request, request.budget)
        passes = request.budget - finals.trial_passes + ROUNDING
        trials, length = self.trials or TRIALS, 0
        if self.epochs is None:
            length = most_paid(lambda each: self._cost(trials, each, request), passes)
        else:
            length = max(1, round(self.epochs * request.per_epoch))
            trials = self.trials or most_paid(
                lambda number: self._cost(number, length, request), passes
            )
        if not trials or not length:
            self._refuse(request, passes)
        return TrialPlan(
            steps=trials,
            warmup=0,
            theta_samples=0,
            finalists=finals.finalists,
            trial_passes=finals.trial_passes,
            trial_steps=finals.trial_steps,
            step_passes=self._cost(trials, length, request) / trials,
            first=self.first,
            first_length=self._first_length(length),
            length=length,
        )

    def _first_length(self, length: int) -> int:
        return round(self.longer * length)

    def _cost(self, trials: int, length: int, request: PlanRequest) -> float:
        """The training passes of all trials."""
        first = min(trials, self.first)
        return sum(
            number * cost([1], steps, request.theta_per_epoch)
            for number, steps in ((first, self._first_length(length)), (trials - first, length))
        )

    def _refuse(self, request: PlanRequest, passes: float) -> NoReturn:
        each = "" if self.epochs is None else f" of {self.epochs:g} epochs"
        number = f"{self.trials or TRIALS} trials" if self.epochs is None else f"one trial{each}"
        refuse(
            SettingError,
            f"search.{request.settings.length}",
            found=f"a budget of {max(passes, 0):.0f} training passes for {number}",
            expected="enough for a step of each" if self.epochs is None else "enough for one",
            remedy="make the search longer, or lower search.method."
            + ("trials" if self.epochs is None else "epochs"),
        )
