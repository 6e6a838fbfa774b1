"""Where the numbers of all categories lie in one flat array, so that rows are reduced at once.

Variables with similar numbers of categories share a rectangle, a row for each and padding beyond
K_i. In nearly all spaces one rectangle holds all. Where it would be mostly padding, variables of up
to 1, 2, 4, 8 ... categories have one each. So there are at most 4 entries for each category.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.space.categories import starts
from pdas.support.arrays import BoolArray, FloatArray, IntArray

MOST_ENTRIES = 4  # of one rectangle for all, for each category
FEW = 4096  # entries that are not worth more rectangles


@dataclass(frozen=True)
class Rectangle:
    """The rows of some variables in a flat array.

    Args:
        variables: what takes them from an array of shape (..., D).
        rows: of the flat array.
        width: the largest K_i among them.

    Example:
        >>> Rectangle(slice(None), slice(0, 6), 3).of(np.arange(6.0)).tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """

    variables: slice | IntArray
    rows: slice
    width: int

    def of(self, values: FloatArray) -> FloatArray:
        """The rows as a view of shape (number of variables, width).

        Args:
            values: the flat array, shape (S,).
        """
        return values[self.rows].reshape(-1, self.width)


class Layout:
    """Positions in a flat array of S entries.

    Args:
        sizes: K_i, the number of categories of each variable, shape (D,).

    Attributes:
        rectangles: which together are the flat array.
        start: the position of each variable's first category, shape (D,).
        category: of each entry, K_i and more in the padding, shape (S,).
        padding: which entries are no category, shape (S,).

    Example:
        >>> layout = Layout(np.array([2, 3]))
        >>> layout.padding.tolist()
        [False, False, True, False, False, False]
    """

    def __init__(self, sizes: IntArray) -> None:
        self.start: IntArray = np.empty_like(sizes)
        self.rectangles: list[Rectangle] = []
        categories, begin = [], 0
        for variables in _similar(sizes):
            members = sizes[variables]
            width = int(members.max())
            end = begin + len(members) * width
            self.start[variables] = np.arange(begin, end, width)
            categories.append(np.tile(np.arange(width), len(members)))
            self.rectangles.append(Rectangle(variables, slice(begin, end), width))
            begin = end
        self.category: IntArray = np.concatenate(categories)
        self.padding: BoolArray = self.category >= self.of_rows(sizes)
        # Of each category in the order of the variables, shape (sum K_i,).
        self._positions = np.repeat(self.start - starts(sizes), sizes) + np.arange(sizes.sum())

    def of_rows(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The number of each variable for every entry of its row.

        Args:
            values: shape (D,).

        Returns:
            Shape (S,).
        """
        if len(self.rectangles) == 1:
            return values.repeat(self.rectangles[0].width)
        return np.concatenate(
            [np.repeat(values[each.variables], each.width) for each in self.rectangles]
        )

    def by_variable(
        self, reduce: Callable[..., npt.NDArray[Any]], values: FloatArray
    ) -> npt.NDArray[Any]:
        """One number for each variable, of its row.

        Args:
            reduce: called with rows and `axis=1`, as `np.sum`.
            values: shape (S,).

        Returns:
            Shape (D,).
        """
        if len(self.rectangles) == 1:
            return reduce(self.rectangles[0].of(values), axis=1)
        reduced = [reduce(each.of(values), axis=1) for each in self.rectangles]
        numbers = np.empty(len(self.start), dtype=reduced[0].dtype)
        for each, found in zip(self.rectangles, reduced, strict=True):
            numbers[each.variables] = found
        return numbers

    def without_padding(self, values: FloatArray) -> FloatArray:
        """A copy of the numbers of all categories in the order of the variables.

        Args:
            values: shape (S,).

        Returns:
            Shape (sum K_i,).
        """
        return values.take(self._positions)

    def with_padding(self, values: FloatArray) -> FloatArray:
        """The opposite of `without_padding`; 0 in the padding.

        Args:
            values: shape (sum K_i,).

        Returns:
            Shape (S,).
        """
        padded = np.zeros(len(self.padding))
        padded[self._positions] = values
        return padded


def _similar(sizes: IntArray) -> list[slice | IntArray]:
    """The variables that share a rectangle."""
    if len(sizes) * sizes.max() <= max(MOST_ENTRIES * sizes.sum(), FEW):
        return [slice(None)]
    _, exponent = np.frexp(sizes - 1)  # of the power of two that is at least K_i
    return [np.flatnonzero(exponent == each) for each in np.unique(exponent)]
