"""The time that the trainings of finalists will still take, and how they are shown."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pdas.methods.planning.halving_rounds import PART, round_steps, rounds
from pdas.searches.finalists import Finalist, rank_key
from pdas.training.display import Show

if TYPE_CHECKING:  # it imports torch
    from pdas.searches.comparison import OnTrial


class TrialsLeft:
    """The seconds that the trainings of finalists will still take, after each of them.

    A finalist is trained at its own pace, which its first training shows, since architectures
    differ in it by a factor of ten and more. Until then it is taken for an average one.

    Args:
        clock: returns the time in seconds.

    Example:
        left = TrialsLeft()
        pdas.search(net, loss, data, on_trial=lambda *trials: print(left(*trials)))
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None  # when the training before ended
        self._steps: list[int] = []  # of each finalist at that time
        self._seconds: defaultdict[int, float] = defaultdict(float)  # by finalist, of what it did
        self._done: defaultdict[int, int] = defaultdict(int)  # the steps of it

    def __call__(self, finalists: Sequence[Finalist], done: int, total: int) -> float | None:
        """The seconds left.

        Args:
            finalists: all of them.
            done: the number of trainings that are done.
            total: that of all.

        Returns:
            The seconds; None before the first training has ended.
        """
        now, steps = self._clock(), [finalist.steps for finalist in finalists]
        if self._last is not None:
            self._add(now - self._last, steps)
        self._last, self._steps = now, steps
        if done == total:
            return 0.0
        return self._left(finalists, done) if any(self._done.values()) else None

    def _add(self, seconds: float, steps: Sequence[int]) -> None:
        """Note what was trained since the last time."""
        pairs = zip(steps, self._steps, strict=True)
        grown = {index: now - before for index, (now, before) in enumerate(pairs) if now > before}
        for index, count in grown.items():
            self._seconds[index] += seconds * count / sum(grown.values())
            self._done[index] += count

    def _left(self, finalists: Sequence[Finalist], done: int) -> float:
        # Those of the current round that are trained come first in the ranking, by their steps,
        # then those that will be, by their loss in the round before: this is how they are chosen.
        ranked = sorted(range(len(finalists)), key=lambda index: rank_key(finalists[index]))
        average = sum(self._seconds.values()) / sum(self._done.values())
        left, before = 0.0, 0
        for size, until in _rounds(finalists, done):
            for index in ranked[:size]:
                pace = self._seconds[index] / self._done[index] if self._done[index] else average
                left += pace * max(0, until - max(finalists[index].steps, before))
            before = until
        return left


def _rounds(finalists: Sequence[Finalist], done: int) -> list[tuple[int, int]]:
    """The number of finalists in each round, and the steps of each at its end.

    Args:
        finalists: all of them, as they are now.
        done: the number of trainings that are done, at least 1.
    """
    sizes = rounds(len(finalists))
    last = next(index for index in range(len(sizes)) if done <= sum(sizes[: index + 1]))
    longest = max(finalist.steps for finalist in finalists)
    return [*zip(sizes, round_steps(sizes, longest * PART ** (len(sizes) - 1 - last)), strict=True)]


def showing_trials(show: Show, then: OnTrial = lambda finalists, done, total: None) -> OnTrial:
    """An `on_trial` that shows how many trainings of finalists are done, and the time left.

    Args:
        show: shows it.
        then: is called afterwards.
    """
    seconds_left = TrialsLeft()

    def on_trial(finalists: Sequence[Finalist], done: int, total: int) -> None:
        if total:
            losses = [finalist.loss for finalist in finalists if finalist.loss is not None]
            best = f"  loss {min(losses):.4f}" if losses else ""
            left = seconds_left(finalists, done, total)
            show(done, total, f"trainings of finalists{best}", left)
        then(finalists, done, total)

    return on_trial
