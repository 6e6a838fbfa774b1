"""The rounds of successive halving, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

SCORED = 1 / 3  # of a training pass: a forward pass without a backward one


def rungs(count: int) -> list[int]:
    """How many are trained in each round of successive halving: from `count` down to 2."""
    sizes = [count]
    while sizes[-1] > 2:
        sizes.append(math.ceil(sizes[-1] / 2))
    return sizes


def trial_steps(sizes: Sequence[int], passes: float, theta_per_epoch: int) -> int:
    """Steps of a whole training, so that the rounds cost so many training passes.

    In the last round trainings are whole, in each before it half as long as in the next.
    """
    judged = sum(sizes) * theta_per_epoch * SCORED
    shares = [2.0 ** (i + 1 - len(sizes)) for i in range(len(sizes))]
    before = [0.0, *shares[:-1]]
    trained = sum(n * (s - b) for n, s, b in zip(sizes, shares, before, strict=True))
    return int((passes - judged) / trained)
