"""The architectures of a distribution in the order of their probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np

from pdas.space.categories import starts
from pdas.support.arrays import FloatArray, IntArray


def most_probable(theta: FloatArray, sizes: IntArray) -> Iterator[tuple[IntArray, float]]:
    """All architectures of positive probability under p_theta, the most probable first.

    Args:
        theta: the probabilities, shape (sum K_i,), variable after variable.
        sizes: K_i, shape (D,).

    Yields:
        The category indices, shape (D,), and the probability. The first is the mode, and of equally
        probable ones the order is fixed.

    Example:
        >>> theta = np.array([0.3, 0.7, 0.6, 0.4])
        >>> found = most_probable(theta, np.array([2, 2]))
        >>> [(indices.tolist(), round(p, 2)) for indices, p in found]
        [([1, 0], 0.42), ([1, 1], 0.28), ([0, 0], 0.18), ([0, 1], 0.12)]
    """
    begins = starts(sizes)
    # Positions in theta by rank, the most probable of each variable first.
    order = np.lexsort((-theta, np.repeat(np.arange(len(sizes)), sizes)))
    ranked = np.split(theta[order], begins[1:])
    # What each rank loses against the first, in ln p; the sum over variables is the whole loss.
    losses = [[float(np.log(row[0] / p)) for p in row if p > 0] for row in ranked]
    for ranks in _least_first(losses):
        chosen = order[begins + ranks]
        yield chosen - begins, float(theta[chosen].prod())


def _least_first(losses: list[list[float]]) -> Iterator[list[int]]:
    """One rank for each variable, in the order of the sum of their losses.

    The variables with a choice are taken in the order of what their second rank loses. A state is
    the ranks up to the last variable that has left its first rank. Each state is followed
    by at most three, none of which loses less, and each is reached in one way.

    Args:
        losses: of each variable by rank, ascending from 0.
    """
    order = sorted((i for i, own in enumerate(losses) if len(own) > 1), key=lambda i: losses[i][1])
    table = [losses[i] for i in order]
    yield [0] * len(losses)
    heap: list[tuple[float, tuple[int, ...]]] = [(own[1], (1,)) for own in table[:1]]
    while heap:
        loss, ranks = heappop(heap)
        whole = [0] * len(losses)
        for i, rank in zip(order, ranks, strict=False):
            whole[i] = rank
        yield whole
        before, rank = ranks[:-1], ranks[-1]
        own = table[len(before)]
        if rank + 1 < len(own):
            heappush(heap, (loss + own[rank + 1] - own[rank], (*before, rank + 1)))
        if len(ranks) < len(table):
            second = table[len(ranks)][1]
            heappush(heap, (loss + second, (*ranks, 1)))
            if rank == 1:
                heappush(heap, (loss - own[1] + second, (*before, 0, 1)))
