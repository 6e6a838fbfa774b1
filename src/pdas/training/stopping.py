"""When a training ends before its planned length: the rules, the reason, and the clock."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pdas.distributed.ranks import Ranks
from pdas.training.settings import TrainingSettings

if TYPE_CHECKING:
    from pdas.training.loop import Progress

_log = logging.getLogger(__name__)

Rule: TypeAlias = "Callable[[Progress, Sequence[Progress]], bool]"
"""Whether to stop after a step: its progress, and that at the end of each epoch until now."""

MAX_MINUTES, PATIENCE, STOP_WHEN_DECIDED = "max_minutes", "patience", "stop_when_decided"
DECIDED = "decided"  # the measure of a method that has a share of theta that is decided
ON_STEP, INTERRUPTED = "on_step", "interrupted"
_EARLY = 0.1  # of the minutes; then it is said how many steps they are enough for


class Stopwatch:
    """The time that a training has taken, without interruptions.

    Example:
        watch = Stopwatch()
        watch.seconds()
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """The time until now, in seconds."""
        return time.perf_counter() - self._start

    def state_dict(self) -> dict[str, float]:
        """The time until now, as plain data."""
        return {"seconds": self.seconds()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Continue from `state_dict`."""
        self._start = time.perf_counter() - state["seconds"]


class EarlyStop:
    """Whether a training has ended before its planned length, and why.

    Args:
        stage: of the training, for the log.
        ranks: if a rule holds on one of them, all stop.

    Attributes:
        reason: the name of the rule that held, as "max_minutes"; None while none did.
        step: the last one; 0 while there is no reason.

    Example:
        early = EarlyStop("search", ranks)
        if early.decide(progress, history, {"patience": no_improvement("theta_loss", 5)}, None):
            print(early.reason)
    """

    def __init__(self, stage: str, ranks: Ranks) -> None:
        self._stage = stage
        self._ranks = ranks
        self.reason: str | None = None
        self.step = 0

    def decide(
        self,
        progress: Progress,
        history: Sequence[Progress],
        rules: Mapping[str, Rule],
        answer: object,
        others: Sequence[bool] = (),
    ) -> tuple[bool, list[bool]]:
        """Whether the training ends with this step, which is not its last one.

        Args:
            progress: after the step.
            history: the progress at the end of each epoch.
            rules: by the reason that each gives.
            answer: of `on_step`. Only True asks to stop.
            others: further flags, which go with the same message.

        Returns:
            Whether it does, and whether each of the others is set on at least one rank.
        """
        asked = isinstance(answer, bool | np.bool_) and bool(answer)
        holds = {ON_STEP: asked, **{name: rule(progress, history) for name, rule in rules.items()}}
        found = self._ranks.any(*holds.values(), *others)
        held, others_held = found[: len(holds)], found[len(holds) :]
        self.reason = next((name for name, each in zip(holds, held, strict=True) if each), None)
        if self.reason is None:
            return False, others_held
        self.step = progress.step
        _log.warning(
            "%s: stopped after step %d of %d (%s)",
            self._stage, progress.step, progress.steps, self.reason,
        )  # fmt: skip
        return True, others_held

    def state_dict(self) -> dict[str, Any]:
        """The reason and the step, as plain data."""
        return {"reason": self.reason, "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.reason, self.step = state["reason"], int(state["step"])
        if self.reason is not None:
            _log.warning(
                "%s: its steps ended early, after step %d (%s), and do not continue",
                self._stage, self.step, self.reason,
            )  # fmt: skip


class Budget:
    """The minutes that a training may take, by the clock of rank 0. It is a `Rule`.

    Args:
        stage: of the training, "search" or "retrain".
        settings: of the training.
        ranks: the processes of the training.
        share: of the minutes, for the steps; the rest is for what comes after.

    Example:
        budget = Budget("search", settings, ranks, share=0.6)
        loop.run(update, rules={"max_minutes": budget})
    """

    def __init__(
        self, stage: str, settings: TrainingSettings, ranks: Ranks, share: float = 1.0
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._ranks = ranks
        self._all = 60 * (settings.max_minutes or math.inf)  # in seconds
        self._seconds = share * self._all
        self._said = False

    def __call__(self, progress: Progress, history: Sequence[Progress]) -> bool:
        """Whether the time for the steps is over."""
        part = progress.seconds / self._seconds
        if part >= _EARLY and not self._said and self._ranks.index == 0:
            self._said = True
            self._say_how_far(progress, round(progress.step / part))
        return self._ranks.index == 0 and part >= 1

    def is_over(self, seconds: float) -> bool:
        """Whether all the time is over; the same on every rank."""
        own = self._ranks.index == 0 and seconds >= self._all
        return self._ranks.any(own)[0]

    def _say_how_far(self, progress: Progress, enough_for: int) -> None:
        if progress.step < enough_for < progress.steps:
            _log.warning(
                "%s.max_minutes: found %g, enough for about %d of %d steps at the speed until now, "
                "while warm-up and learning rate are planned for all; lower %s.%s to plan for less",
                self._stage, self._settings.max_minutes, enough_for, progress.steps,
                self._stage, self._settings.length,
            )  # fmt: skip


def no_improvement(measure: str, epochs: int) -> Rule:
    """The rule that the least value of a measure is this many epochs old.

    Args:
        measure: by its name. Epochs without it do not count.
        epochs: how many.
    """

    def holds(progress: Progress, history: Sequence[Progress]) -> bool:
        values = [each.measures[measure] for each in history if measure in each.measures]
        return bool(values) and len(values) - 1 - int(np.nanargmin([*values, np.inf])) >= epochs

    return holds


def at_least(measure: str, threshold: float) -> Rule:
    """The rule that a measure has reached a threshold.

    Args:
        measure: by its name.
        threshold: the least value that stops.
    """

    def holds(progress: Progress, history: Sequence[Progress]) -> bool:
        return progress.measures.get(measure, -np.inf) >= threshold

    return holds
