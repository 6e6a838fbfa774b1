"""The distribution p_theta(M): a product of categoricals, one for each variable (section 3).

Variables differ in their number of categories K_i. theta is one flat array, in which a variable has
a row of K_i entries and perhaps padding, which is 0; `Layout` says where, and every operation runs
over all variables at once. A variable of one category is constant: it is sampled, but counts in no
formula.
"""

from __future__ import annotations

import numpy as np

from pdas.methods.pdas.layout import Layout
from pdas.space.decided import share_decided
from pdas.support.arrays import BoolArray, FloatArray, IntArray


class CategoricalProduct:
    """Independent categorical variables, uniform at first.

    Args:
        sizes: K_i, the number of categories of each variable, shape (D,).

    Attributes:
        sizes: as above; fixed, like all that follows but theta.
        layout: where the categories are in the arrays of shape (S,).
        free: where K_i > 1, shape (D,).
        degrees: of freedom, K_i - 1, shape (D,).
        n: their sum.
        reduced: where j < K_i - 1, shape (S,).
        padding: where j >= K_i, shape (S,).
        theta_min: the lower bounds of Appendix B, shape (S,).
        theta_max: the largest probability that they leave, 1 - (K_i - 1) theta_min_i, shape (D,).
        theta: the probabilities, shape (S,), 0 in the padding. The only state.

    Example:
        >>> p = CategoricalProduct(np.array([2, 3]))
        >>> p.entropy().round(3).tolist()  # ln 2 and ln 3
        [0.693, 1.099]
    """

    def __init__(self, sizes: IntArray) -> None:
        self.sizes = sizes
        self.layout = Layout(sizes)
        category, K = self.layout.category, self.layout.of_rows(sizes)
        self.free: BoolArray = sizes > 1
        self.degrees: FloatArray = (sizes - 1).astype(np.float64)
        self.n = int(self.degrees.sum())
        self.reduced: BoolArray = category < K - 1
        self.padding = self.layout.padding
        # Uniform: 1 / K_i for each category that there is, 0 in the padding.
        self.theta: FloatArray = ~self.padding / K
        self.theta_min = self.layout.of_rows(_lower_bounds(sizes)) * ~self.padding
        # What is left of each row's 1 to be shared out above the lower bounds, in (12).
        self._mass_above = 1 - self.layout.by_variable(np.sum, self.theta_min)
        self.theta_max: FloatArray = self.theta_min.take(self.layout.start) + self._mass_above
        # Infinite from the last category on, so that a draw finds one however cumsum rounds.
        beyond = np.where(self.reduced, 0.0, np.inf)
        self._beyond_reduced = [rows.of(beyond) for rows in self.layout.rectangles]
        self._last = self.layout.start + sizes - 1

    def last(self, values: FloatArray) -> FloatArray:
        """The entry of each variable's last category, j = K_i.

        Args:
            values: shape (S,).

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
        draws = rng.random((n, len(self.sizes)))
        indices = np.empty(draws.shape, dtype=np.int64)
        for rows, beyond in zip(self.layout.rectangles, self._beyond_reduced, strict=True):
            cdf = rows.of(self.theta).cumsum(axis=1) + beyond
            below: BoolArray = draws[:, rows.variables, np.newaxis] >= cdf
            indices[:, rows.variables] = below.argmin(axis=2)  # False is less than True
        return indices

    def scatter(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """sum_n w_ni m_nij, where m_ni is the one-hot vector of the category of sample n.

        Args:
            indices: of the categories, shape (n, D).
            weights: w, shape (n, D).

        Returns:
            Shape (S,).
        """
        flat = (indices + self.layout.start).ravel()
        totals = np.bincount(flat, weights.ravel(), minlength=self.theta.size)
        return totals.astype(np.float64, copy=False)

    def set(self, theta: FloatArray) -> None:
        """Take a theta, after it is brought above the lower bounds by (11) and (12) of Appendix B.

        Args:
            theta: shape (S,); its rows sum to one, but entries may be below their bounds.
        """
        above = np.maximum(theta, self.theta_min) - self.theta_min  # (11)
        # (12), written so that rounding cannot lead below the bound
        scale = self._mass_above / self.layout.by_variable(np.add.reduce, above)
        self.theta = self.theta_min + above * self.layout.of_rows(scale)

    def log_probability(self, indices: IntArray) -> FloatArray:
        """ln p_theta of architectures.

        Args:
            indices: of the categories, shape (..., D).

        Returns:
            Shape (...).
        """
        total: FloatArray = np.log(self.theta.take(indices + self.layout.start)).sum(axis=-1)
        return total

    def entropy(self) -> FloatArray:
        """Entropy of each variable in nats: shape (D,)."""
        # With `padding` the entries beyond K_i have ln 1 = 0, where theta alone would give ln 0.
        products = self.theta * np.log(self.theta + self.padding)
        total: FloatArray = self.layout.by_variable(np.sum, products)
        return np.abs(total)  # it is -total; 0, not -0, where all is decided

    def mode(self) -> IntArray:
        """The most probable category of each variable, the first if several are: shape (D,)."""
        most: IntArray = self.layout.by_variable(np.argmax, self.theta)
        return most

    def convergence(self) -> float:
        """Mean over the free variables of max_j theta_ij: 1 where all is decided."""
        if not self.n:
            return 1.0
        return float(self.layout.by_variable(np.max, self.theta)[self.free].mean())

    def probabilities(self) -> FloatArray:
        """theta without padding, in the order of the variables: shape (sum K_i,), a copy."""
        return self.layout.without_padding(self.theta)

    def decided(self) -> float:
        """The share of the possible convergence: 0 for a uniform theta, 1 at its bounds."""
        return float(share_decided(self.probabilities(), self.sizes, self.theta_max))


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
