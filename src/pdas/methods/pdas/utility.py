"""From losses to utilities: only ranks count, so the update is invariant to the loss's scale."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np

from pdas.support.arrays import FloatArray


def rank_utility(losses: FloatArray) -> FloatArray:
    """The utility U_n of each loss (paper, section 3).

    The best ceil(lambda / 4) get +1, the worst ceil(lambda / 4) get -1, the rest 0. Equal losses
    share the mean of their utilities. A loss that is NaN or infinite ranks worst, tied with the
    others of that kind.

    Args:
        losses: shape (lambda,), lambda >= 2; smaller is better.

    Returns:
        Shape (lambda,); the sum is 0.
    """
    lam = len(losses)
    key = [loss if math.isfinite(loss) else math.inf for loss in losses.tolist()].__getitem__
    chosen = math.ceil(lam / 4)
    by_rank = [1.0] * chosen + [0.0] * (lam - 2 * chosen) + [-1.0] * chosen

    # `rank` counts the losses that are better; a group of equal losses takes the mean of its ranks.
    utilities, rank = [0.0] * lam, 0
    for _, group in groupby(sorted(range(lam), key=key), key=key):
        tied = list(group)
        shared = sum(by_rank[rank : rank + len(tied)]) / len(tied)
        for n in tied:
            utilities[n] = shared
        rank += len(tied)
    return np.array(utilities)
