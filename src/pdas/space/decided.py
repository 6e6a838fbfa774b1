"""How sure a distribution over a space is of its choices."""

from __future__ import annotations

import numpy as np

from pdas.support.arrays import FloatArray, IntArray


def share_decided(theta: FloatArray, sizes: IntArray, theta_max: FloatArray) -> FloatArray:
    """(c - c_uniform) / (c_max - c_uniform), where c is the mean over variables of max_j theta_ij.

    A variable of one category adds nothing to either difference. Where no variable has a choice,
    all is decided.

    Args:
        theta: the probabilities, shape (..., D, max K), 0 beyond K_i.
        sizes: K_i, shape (D,).
        theta_max: the largest probability that each variable can have, shape (D,).

    Returns:
        Shape (...): 0 for a uniform theta, 1 where each variable has its largest probability.

    Example:
        >>> theta = np.array([[0.75, 0.25], [0.5, 0.5]])
        >>> float(share_decided(theta, np.array([2, 2]), np.array([0.75, 0.75])))
        0.5
    """
    way = (theta.max(axis=-1) - 1 / sizes).sum(axis=-1)
    whole = (theta_max - 1 / sizes).sum()
    share: FloatArray = way / whole if whole > 0 else np.ones_like(way)
    return np.clip(share, 0, 1)  # rounding may lead a little beyond
