"""The distribution p_theta(M): a product of categoricals, one for each variable (section 3).

Variables differ in their number of categories K_i, so theta is kept as one array of shape
(D, max K) whose entries beyond K_i are 0; every operation runs over all variables at once. A
variable of one category is constant: it is sampled, but counts in no formula.
"""

from __future__ import annotations

import numpy as np

from pdas.space.decided import share_decided
from pdas.support.arrays import BoolArray, FloatArray, IntArray


class CategoricalProduct:
    """Independent categorical variables, uniform at first.

    Args:
        sizes: K_i, the number of categories of each variable, shape (D,).

    Attributes:
        sizes: as above; fixed, like all that follows but theta.
        free: where K_i > 1, shape (D,).
        degrees: of freedom, K_i - 1, shape (D,).
        n: their sum.
        reduced: where j < K_i - 1, shape (D, max K).
        padding: where j >= K_i, shape (D, max K).
        theta_min: the lower bounds of Appendix B, shape (D, max K).
        theta_max: the largest probability that they leave, 1 - (K_i - 1) theta_min_i, shape (D,).
        theta: the probabilities, shape (D, max K), 0 beyond K_i. The only state.

    Example:
        >>> p = CategoricalProduct(np.array([2, 3]))
        >>> p.entropy().round(3).tolist()  # ln 2 and ln 3
        [0.693, 1.099]
    """

    def __init__(self, sizes: IntArray) -> None:
        column, K = np.arange(sizes.max()), sizes[:, np.newaxis]
        self.sizes = sizes
        self.free: BoolArray = sizes > 1
        self.degrees: FloatArray = (sizes - 1).astype(np.float64)
        self.n = int(self.degrees.sum())
        self.reduced: BoolArray = column < K - 1
        self.padding: BoolArray = column >= K
        # Uniform: 1 / K_i for each category that there is, 0 in the padding.
        self.theta: FloatArray = ~self.padding / K
        self.theta_min = _lower_bounds(sizes)[:, np.newaxis] * ~self.padding
        # What is left of each row's 1 to be shared out above the lower bounds, in (12).
        self._mass_above = 1 - self.theta_min.sum(axis=1, keepdims=True)
        self.theta_max: FloatArray = (self.theta_min[:, :1] + self._mass_above)[:, 0]
        # Infinite from the last category on, so that a draw finds one however cumsum rounds.
        self._beyond_reduced = np.where(self.reduced, 0.0, np.inf)
        # Positions in the flat array: `take` and `bincount` are faster than two indices.
        self._row_start = np.arange(len(sizes)) * len(column)
        self._last = self._row_start + sizes - 1

    def last(self, values: FloatArray) -> FloatArray:
        """The entry of each variable's last category, j = K_i.

        Args:
            values: shape (D, max K).

        Returns:
            Shape (D,).
        """
        return values.take(self._last)

    def sample(self, rng: np.random.Generator, n: int) -> IntArray:
        """Draw n architectures independently.

        Args:
            rng: draws one uniform number for each sample and variable.
            n: how many.

        Returns:
            Category indices, shape (n, D).
        """
        cdf = self.theta.cumsum(axis=1) + self._beyond_reduced
        below: BoolArray = rng.random((n, len(self.sizes), 1)) >= cdf
        first_not_below: IntArray = below.argmin(axis=2)  # False is less than True
        return first_not_below

    def scatter(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """sum_n w_ni m_nij, where m_ni is the one-hot vector of the category of sample n.

        Args:
            indices: of the categories, shape (n, D).
            weights: w, shape (n, D).

        Returns:
            Shape (D, max K).
        """
        flat = (indices + self._row_start).ravel()
        totals = np.bincount(flat, weights.ravel(), minlength=self.theta.size)
        return totals.reshape(self.theta.shape).astype(np.float64, copy=False)

    def set(self, theta: FloatArray) -> None:
        """Take a theta, after it is brought above the lower bounds by (11) and (12) of Appendix B.

        Args:
            theta: shape (D, max K); its rows sum to one, but entries may be below their bounds.
        """
        above = np.maximum(theta, self.theta_min) - self.theta_min  # (11)
        # (12), written so that rounding cannot lead below the bound
        scale = self._mass_above / above.sum(axis=1, keepdims=True)
        self.theta = self.theta_min + above * scale

    def log_probability(self, indices: IntArray) -> FloatArray:
        """ln p_theta of architectures.

        Args:
            indices: of the categories, shape (..., D).

        Returns:
            Shape (...).
        """
        total: FloatArray = np.log(self.theta.take(indices + self._row_start)).sum(axis=-1)
        return total

    def entropy(self) -> FloatArray:
        """Entropy of each variable in nats: shape (D,)."""
        # With `padding` the entries beyond K_i have ln 1 = 0, where theta alone would give ln 0.
        total: FloatArray = (self.theta * np.log(self.theta + self.padding)).sum(axis=1)
        return np.abs(total)  # it is -total; 0, not -0, where all is decided

    def mode(self) -> IntArray:
        """The most probable category of each variable, the first if several are: shape (D,)."""
        most: IntArray = self.theta.argmax(axis=1)
        return most

    def convergence(self) -> float:
        """Mean over the free variables of max_j theta_ij: 1 where all is decided."""
        return float(self.theta.max(axis=1)[self.free].mean()) if self.n else 1.0

    def decided(self) -> float:
        """The share of the possible convergence: 0 for a uniform theta, 1 at its bounds."""
        return float(share_decided(self.theta, self.sizes, self.theta_max))


def _lower_bounds(sizes: IntArray) -> FloatArray:
    """theta_min_i = 1 / (D (K_i - 1)) of Appendix B, but at most 1 / (2 K_i): shape (D,).

    Without the latter, theta could not move in a space of very few variables. D counts the free
    variables; the bound of a constant one is 0.
    """
    bounds = np.zeros(len(sizes))
    free = sizes > 1
    K = sizes[free]
    bounds[free] = np.minimum(1 / (len(K) * (K - 1)), 1 / (2 * K))
    return bounds
