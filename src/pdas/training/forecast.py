"""How much time a training has left: the pace of its last steps, times what is ahead.

The pace is that of the last 40 % of the steps: the first ones are slow (caches, compilation), and
architectures become cheaper or more expensive as theta settles. A search may end when theta is
decided; then what is ahead follows from the trend of the decided share.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pdas.support.arrays import FloatArray

WINDOW = 0.4  # of the steps until now
FEWEST = 3  # moments from which a pace is measured
MOST = 500  # moments that are kept; beyond it, every second one
ALMOST = 0.999  # a share above it counts as this, since its curve never comes to 1


class Moment(NamedTuple):
    """Where a training was after a step.

    Attributes:
        step: its number, from 1.
        seconds: that the training had taken.
        decided: the share of theta that was decided; None of a training without it.

    Example:
        Moment(step=10, seconds=2.5, decided=0.1)
    """

    step: int
    seconds: float
    decided: float | None = None


class Forecast:
    """The seconds that a training has left, after each of its steps.

    Args:
        steps: that are planned.
        cost_until: the cost of the steps until one, in any unit; by default all cost the same.
        afterwards: the cost of what follows, in the same unit, if the steps end after this one.
        decided_at: the decided share of theta that ends the steps; None if none does.
        most_seconds: after which the training ends.

    Example:
        forecast = Forecast(1000, decided_at=0.95)
        for step in range(1, 11):
            left = forecast(Moment(step, seconds=0.5 * step, decided=0.01 * step))
    """

    def __init__(
        self,
        steps: int,
        cost_until: Callable[[int], float] = float,
        afterwards: Callable[[int], float] = lambda step: 0.0,
        *,
        decided_at: float | None = None,
        most_seconds: float = math.inf,
    ) -> None:
        self._steps = steps
        self._cost_until = cost_until
        self._afterwards = afterwards
        self._decided_at = decided_at
        self._most_seconds = most_seconds
        self._moments: list[Moment] = []

    def __call__(self, moment: Moment) -> float | None:
        """The seconds left.

        Args:
            moment: after the newest step.

        Returns:
            The seconds; None until a pace is known.
        """
        self._moments.append(moment)
        if len(self._moments) > MOST:
            del self._moments[1:-1:2]
        recent = self._recent()
        if len(recent) < FEWEST:
            return None
        first, cost = recent[0], self._cost_until
        pace = (moment.seconds - first.seconds) / (cost(moment.step) - cost(first.step))
        end = self._last_step(recent)
        left = pace * (cost(end) - cost(moment.step) + self._afterwards(end))
        return max(0.0, min(left, self._most_seconds - moment.seconds))

    def _recent(self) -> Sequence[Moment]:
        """The last part of the steps that this process has done, but for the very first."""
        moments = self._moments[1:]
        if not moments:
            return ()
        first, last = moments[0].step, moments[-1].step
        begin = last - max(WINDOW * (last - first), FEWEST - 1)
        return moments[bisect_left(moments, begin, key=lambda moment: moment.step) :]

    def _last_step(self, recent: Sequence[Moment]) -> int:
        """The step after which the steps end, at the latest the last one that is planned."""
        now = recent[-1].step
        left = self._steps - now
        if self._decided_at is None or not _is_known(recent[-1]):
            return self._steps
        # The trend since theta began to learn is steady, the recent one knows of a turn.
        trends = [
            steps_until(self._decided_at, *_learning(moments), left)
            for moments in (self._moments, recent)
        ]
        return now + math.ceil(math.sqrt(math.prod(trends)))


def _is_known(moment: Moment) -> bool:
    """Whether there is a share, which a method of the user's own may also give as NaN."""
    return moment.decided is not None and math.isfinite(moment.decided)


def _learning(moments: Sequence[Moment]) -> tuple[FloatArray, FloatArray]:
    """The steps from where theta began to learn, after a warm-up, and the share after each."""
    known = [(each.step, each.decided) for each in moments if _is_known(each)]
    steps, decided = np.array(known, dtype=float).T
    begin = int(np.flatnonzero(decided <= decided[0])[-1])
    return steps[begin:], decided[begin:]


def steps_until(threshold: float, steps: FloatArray, decided: FloatArray, most: int) -> float:
    """How many steps the decided share needs to come to a threshold, by its trend.

    It grows ever more slowly. Recorded searches were between two curves that do: a + b log(step),
    by which it takes longer, and 1 - exp(-a - b step). So this is the geometric mean of both.

    Args:
        threshold: from 0 to 1.
        steps: of the measurements, shape (T,).
        decided: the share after each, shape (T,).
        most: steps that are left; the result if the share does not grow.
    """
    if len(steps) < FEWEST:
        return most
    log_steps, sure = np.log(steps), -np.log1p(-np.minimum(decided, ALMOST))
    slow = _distance(threshold, log_steps, decided)
    fast = _distance(-math.log1p(-min(threshold, ALMOST)), steps, sure)
    slow = steps[-1] * math.expm1(min(slow, math.log(1 + most / steps[-1])))
    return math.sqrt(slow * min(fast, most))


def _distance(threshold: float, x: FloatArray, y: FloatArray) -> float:
    """How far x is from where y comes to a threshold along its regression line.

    Args:
        threshold: of y.
        x: shape (T,).
        y: shape (T,); the line is laid through the mean of its last values.

    Returns:
        The distance, at least 0; infinite where y does not grow.
    """
    missing = threshold - float(y[-FEWEST:].mean())
    around = x - x.mean()
    slope = float(around @ y / (around @ around))
    if missing <= 0:
        return 0.0
    return missing / slope if slope > 0 else math.inf


def about(seconds: float) -> str:
    """A forecast in words, no more exact than it is: "about 20 min".

    Args:
        seconds: at least 0.
    """
    for unit, length in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 100 * length or unit == "h":
            number = seconds / length
            break
    if unit == "s":
        return "a few seconds" if seconds < 10 else f"about {round(number, -1):.0f} s"
    return f"about {number:.0f} {unit}"
