"""How sure a distribution over a space is of its choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdas.space.categories import starts
from pdas.support.arrays import FloatArray, IntArray

NOTHING_LEARNED = "nothing was learned: theta ended as it began, to the last bit"


def share_decided(theta: FloatArray, sizes: IntArray, theta_max: FloatArray) -> FloatArray:
    """(c - c_uniform) / (c_max - c_uniform), where c is the mean over variables of max_j theta_ij.

    A variable of one category adds nothing to either difference. Where no variable has a choice,
    all is decided.

    Args:
        theta: the probabilities, shape (..., sum K_i), variable after variable.
        sizes: K_i, shape (D,).
        theta_max: the largest probability that each variable can have, shape (D,).

    Returns:
        Shape (...): 0 for a uniform theta, 1 where each variable has its largest probability.

    Example:
        >>> theta = np.array([0.75, 0.25, 0.5, 0.5])
        >>> float(share_decided(theta, np.array([2, 2]), np.array([0.75, 0.75])))
        0.5
    """
    way = (_largest(theta, sizes) - 1 / sizes).sum(axis=-1)
    whole = (theta_max - 1 / sizes).sum()
    share: FloatArray = way / whole if whole > 0 else np.ones_like(way)
    return np.clip(share, 0, 1)  # rounding may lead a little beyond


@dataclass(frozen=True)
class ThetaHistory:
    """theta over a search.

    Attributes:
        steps: after which theta was as follows, shape (T,); the first is 0, the start.
        theta: shape (T, sum K_i), variable after variable.
        sizes: K_i, shape (D,).
        theta_max: the largest probability that each variable can have, shape (D,).

    Example:
        result.theta_history.decided[-1]
    """

    steps: FloatArray
    theta: FloatArray
    sizes: IntArray
    theta_max: FloatArray

    @property
    def last(self) -> list[FloatArray]:
        """The probabilities of each variable at the end, shapes (K_i,)."""
        return np.split(self.theta[-1], starts(self.sizes)[1:])

    @property
    def decided(self) -> FloatArray:
        """The share that is decided, shape (T,); see `share_decided`."""
        return share_decided(self.theta, self.sizes, self.theta_max)

    @property
    def decided_by_variable(self) -> FloatArray:
        """The share of each variable with a choice by itself, shape (T, number of those)."""
        free = self.sizes > 1
        uniform = 1 / self.sizes[free]
        way = _largest(self.theta, self.sizes)[:, free] - uniform
        whole = np.broadcast_to(self.theta_max[free] - uniform, way.shape)
        share = np.divide(way, whole, out=np.ones_like(way), where=whole > 0)
        return np.clip(share, 0, 1)


def _largest(theta: FloatArray, sizes: IntArray) -> FloatArray:
    """max_j theta_ij of each variable, shape (..., D)."""
    largest: FloatArray = np.maximum.reduceat(theta, starts(sizes), axis=-1)
    return largest
