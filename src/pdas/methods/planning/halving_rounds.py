"""The rounds of successive halving, and their cost.

There are up to three rounds. Each round keeps the best third of the finalists, but at least two,
and brings them to three times as many steps. The source is in `successive_halving`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pdas.methods.planning.plan import SCORED, most_paid

PART = 3  # one finalist in so many reaches the next round
MAX_ROUNDS = 3  # a loss before a ninth of a training predicts its end badly


def rounds(finalists: int) -> list[int]:
    """The number of finalists in each round, from all of them down to 2."""
    if finalists < 2:
        return []
    sizes = [finalists]
    while sizes[-1] > 2 and len(sizes) < MAX_ROUNDS:
        sizes.append(max(2, math.ceil(sizes[-1] / PART)))
    return sizes


def round_steps(sizes: Sequence[int], whole: int) -> list[int]:
    """The steps of a training at the end of each round, with `whole` in the last one."""
    return [whole // PART ** (len(sizes) - 1 - i) for i in range(len(sizes))]


def judged_batches(steps: int, per_pass: int) -> int:
    """The batches of D_theta on which a training is judged: at most one for each step.

    So the cost of judging does not exceed that of a short training.

    Args:
        steps: of the training.
        per_pass: batches in a pass over D_theta.
    """
    return min(steps, per_pass)


def cost(sizes: Sequence[int], whole: int, per_pass: int) -> float:
    """The cost of all rounds.

    Args:
        sizes: finalists in each round.
        whole: steps of a whole training.
        per_pass: batches in a pass over D_theta.

    Returns:
        Training passes, of one architecture on one batch.
    """
    total, before = 0.0, 0
    for size, steps in zip(sizes, round_steps(sizes, whole), strict=True):
        total += size * (steps - before + SCORED * judged_batches(steps, per_pass))
        before = steps
    return total


def whole_steps(sizes: Sequence[int], passes: float, per_pass: int, most: int | None = None) -> int:
    """The most steps of a whole training for which all rounds stay within a budget.

    Args:
        sizes: finalists in each round.
        passes: the budget, in training passes.
        per_pass: batches in a pass over D_theta.
        most: an upper bound of the result.
    """
    return most_paid(lambda steps: cost(sizes, steps, per_pass), passes, most)


def least_steps(finalists: int) -> int:
    """The fewest steps of a whole training: the first round then has one step."""
    steps: int = PART ** max(len(rounds(finalists)) - 1, 0)
    return steps


def more_finalists(finalists: int, most: int, whole: int, passes: float, per_pass: int) -> int:
    """The largest number of finalists whose trainings stay within a budget.

    Args:
        finalists: the result is at least this number, whatever it costs.
        most: the result is at most this number.
        whole: steps of a whole training.
        passes: the budget, in training passes.
        per_pass: batches in a pass over D_theta.
    """
    paid = [
        count
        for count in range(finalists, most + 1)
        if least_steps(count) <= whole and cost(rounds(count), whole, per_pass) <= passes
    ]
    return max(paid, default=finalists)
