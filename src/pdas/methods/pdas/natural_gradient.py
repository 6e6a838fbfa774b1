"""The stochastic natural gradient, and its length in the Fisher metric.

Arrays of shape (S,) as in `distribution`. `weights` is a_ni U_n of shape (lambda, D): the
utility of sample n where variable i is active in it, else 0. The reduced parameter leaves out the
last category of each variable, which the others determine.
"""

from __future__ import annotations

import numpy as np

from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.support.arrays import FloatArray, IntArray


def natural_gradient(p: CategoricalProduct, indices: IntArray, weights: FloatArray) -> FloatArray:
    """g_i = (1/lambda) sum_n a_ni U_n (m_ni - theta_i), (3) with utilities for losses.

    Args:
        p: the distribution.
        indices: of the samples, shape (lambda, D).
        weights: a_ni U_n, shape (lambda, D).

    Returns:
        g, shape (S,); each row sums to 0.
    """
    expected: FloatArray = p.layout.of_rows(weights.sum(axis=0)) * p.theta
    return (p.scatter(indices, weights) - expected) / len(weights)


def whitened(p: CategoricalProduct, g: FloatArray) -> FloatArray:
    """A^T g of the reduced g, with F = A A^T; 0 elsewhere. `||A^T g||^2 = g^T F g`.

    (A_i^T g)_j = g_j / sqrt(theta_ij) + sqrt(theta_ij) (sum_k g_k) / (theta_iK + sqrt(theta_iK)),
    from (14) without a matrix.

    Args:
        p: the distribution.
        g: shape (S,).

    Returns:
        Shape (S,).
    """
    root = np.sqrt(p.theta)
    sum_g = -p.last(g)  # a whole row of g sums to 0
    common = sum_g / (p.last(p.theta) + p.last(root))
    product: FloatArray = g / (root + p.padding) + root * p.layout.of_rows(common)
    return product * p.reduced


def fisher_trace(p: CategoricalProduct, weights: FloatArray) -> float:
    """Tr(F Cov[g]) if U and M are independent: sum_i (K_i - 1) sum_n (a_ni U_n)^2 / lambda^2.

    With all variables active it is n / 2 for lambda = 2.

    Args:
        p: the distribution.
        weights: a_ni U_n, shape (lambda, D).
    """
    return float((weights**2 @ p.degrees).sum()) / len(weights) ** 2
