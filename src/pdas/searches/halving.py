"""The rounds of successive halving, and what they cost.

There are up to three rounds. Each keeps the best third of the one before, but at least two, and
trains three times as long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pdas.methods.plan import SCORED

PART = 3  # of those in a round, one of so many goes on to the next
MAX_ROUNDS = 3  # what is seen before a ninth of a training says little of its end


def rounds(finalists: int) -> list[int]:
    """How many are trained in each round, from all of them down to 2 or to the last round."""
    if finalists < 2:
        return []
    sizes = [finalists]
    while sizes[-1] > 2 and len(sizes) < MAX_ROUNDS:
        sizes.append(max(2, math.ceil(sizes[-1] / PART)))
    return sizes


def round_steps(sizes: Sequence[int], whole: int) -> list[int]:
    """Steps that a training has done at the end of each round: `whole` in the last one."""
    return [whole // PART ** (len(sizes) - 1 - i) for i in range(len(sizes))]


def judged_batches(steps: int, per_pass: int) -> int:
    """Batches of D_theta that judge a training of so many steps: not more than it was trained on.

    So that what judging costs does not outweigh short trainings.
    """
    return min(steps, per_pass)


def cost(sizes: Sequence[int], whole: int, per_pass: int) -> float:
    """Training passes of all rounds; `per_pass` is the number of batches of D_theta."""
    total, before = 0.0, 0
    for size, steps in zip(sizes, round_steps(sizes, whole), strict=True):
        total += size * (steps - before + SCORED * judged_batches(steps, per_pass))
        before = steps
    return total


def whole_steps(sizes: Sequence[int], passes: float, per_pass: int, most: int | None = None) -> int:
    """Steps of a whole training, at most `most`, so that all rounds cost at most so many passes."""
    low, high = 0, (int(passes) if most is None else min(int(passes), most)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(sizes, middle, per_pass) <= passes else (low, middle)
    return low


def least_steps(finalists: int) -> int:
    """Steps of a whole training of which the first round has one."""
    steps: int = PART ** max(len(rounds(finalists)) - 1, 0)
    return steps


def more_finalists(finalists: int, most: int, whole: int, passes: float, per_pass: int) -> int:
    """At least so many finalists, up to `most` if passes pay for trainings of `whole` steps."""
    paid = [
        count
        for count in range(finalists, most + 1)
        if least_steps(count) <= whole and cost(rounds(count), whole, per_pass) <= passes
    ]
    return max(paid, default=finalists)
