"""Arrays of a number for every category of a space, variable after variable: shape (sum K_i,).

The sum of the categories is all that they take, however different the K_i are. `starts` says where
each variable begins, so that `np.maximum.reduceat(values, starts)` has a number for each.
"""

from __future__ import annotations

import numpy as np

from pdas.space.search_space import SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import OptimizerError
from pdas.support.refusals import refuse


def starts(sizes: IntArray) -> IntArray:
    """Where the categories of each variable begin.

    Args:
        sizes: K_i, shape (D,).

    Returns:
        Shape (D,), the first is 0.

    Example:
        >>> starts(np.array([2, 3, 2])).tolist()
        [0, 2, 5]
    """
    begins: IntArray = sizes.cumsum() - sizes
    return begins


def first_least(values: FloatArray, sizes: IntArray) -> IntArray:
    """The category of each variable with the least value, the first if several have it.

    Args:
        values: shape (sum K_i,), none of them NaN.
        sizes: K_i, shape (D,).

    Returns:
        Category indices, shape (D,).

    Example:
        >>> first_least(np.array([2.0, 1.0, 3.0, 3.0, 3.0]), np.array([2, 3])).tolist()
        [1, 0]
    """
    begins = starts(sizes)
    least = np.minimum.reduceat(values, begins)
    at = np.flatnonzero(values == np.repeat(least, sizes))
    first: IntArray = at[np.searchsorted(at, begins)] - begins
    return first


def theta_of(optimizer: object, space: SearchSpace) -> FloatArray | None:
    """The attribute `theta_array` of an optimizer, the probabilities of all categories.

    Args:
        optimizer: any optimizer.
        space: its space.

    Returns:
        Shape (sum K_i,); None if it has none.

    Raises:
        OptimizerError: if it has another shape.
    """
    theta = getattr(optimizer, "theta_array", None)
    if theta is None:
        return None
    array: FloatArray = np.asarray(theta)
    if array.shape != (expected := (int(space.sizes.sum()),)):
        refuse(
            OptimizerError,
            f"{type(optimizer).__name__}.theta_array",
            found=f"shape {array.shape}",
            expected=f"{expected}, one for each category, variable after variable",
            remedy="give np.concatenate of the K_i probabilities of each variable",
        )
    return array
