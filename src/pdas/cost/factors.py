"""The factors of the terms of a `ProductCost`, checked and kept once each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pdas.space import SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import SettingError, SpaceError
from pdas.support.refusals import refuse


@dataclass(frozen=True, eq=False)
class Term:
    """`value` times one factor for each of some variables.

    Args:
        value: a finite number.
        factors: by the position of the variable in the space, one number for each category, shape
            (K_i,): 0 and 1 where something is there only with some of them, or a width.

    Example:
        >>> Term(9.0, {0: [0, 1], 1: [64, 128]}).value  # 9 weights a channel, with category 1 only
        9.0
    """

    value: float
    factors: Mapping[int, npt.ArrayLike] = field(default_factory=dict)


class DistinctFactors:
    """The factors of all products, each kept once and known by a number; number 0 is always 1.

    Args:
        space: whose categories have the factors.

    Example:
        >>> distinct = DistinctFactors(SearchSpace({"op": ["conv3", "conv5"]}))
        >>> distinct.number(0, np.array([9.0, 25.0]))
        1
    """

    def __init__(self, space: SearchSpace) -> None:
        self._numbers: dict[tuple[int, bytes], int] = {}
        self._rows: list[FloatArray] = [np.ones(space.sizes[0])]
        self._variables = [0]

    def number(self, variable: int, factor: FloatArray) -> int:
        """The number of this factor of this variable, from 1; equal factors have one number.

        Args:
            variable: its position in the space.
            factor: one number for each category, shape (K_i,).
        """
        key = variable, factor.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._rows)
            self._rows.append(factor)
            self._variables.append(variable)
        return self._numbers[key]

    def arrays(self) -> tuple[FloatArray, IntArray]:
        """All N factors, one after the other, and the position of each one's variable: (N,)."""
        return np.concatenate(self._rows), np.array(self._variables)


def padded(products: Iterable[tuple[int, ...]]) -> IntArray:
    """The numbers of the factors of all products, as one array.

    Args:
        products: the numbers of each product, of any length.

    Returns:
        Shape (F, T) for T products of at most F factors, filled up with 0.
    """
    columns = list(products)
    filled = np.zeros((max(map(len, columns), default=0), len(columns)), dtype=np.int64)
    for t, numbers in enumerate(columns):
        filled[: len(numbers), t] = numbers
    return filled


def varying(space: SearchSpace, term: Term) -> tuple[float, dict[int, FloatArray]]:
    """A term as its value, with constant factors multiplied in, and the factors that vary.

    Args:
        space: of the term.
        term: a value and its factors.

    Returns:
        The value; and by the position of a variable its factor, shape (K_i,).

    Raises:
        SettingError: if its value is not finite.
        SpaceError: if a factor does not fit the space.
    """
    value = float(term.value)
    if not math.isfinite(value):
        found, expected = f"a term of value {value}", "a finite number"
        refuse(SettingError, "cost", found=found, expected=expected, remedy="correct its value")
    factors: dict[int, FloatArray] = {}
    for i, numbers in term.factors.items():
        factor = _checked(space, i, numbers)
        if (factor == factor[0]).all():
            value *= float(factor[0])
        else:
            factors[i] = factor
    return value, factors


def _checked(space: SearchSpace, i: int, numbers: npt.ArrayLike) -> FloatArray:
    """The factor of the variable at a position as a copy of shape (K_i,)."""
    if not 0 <= i < len(space):
        refuse(
            SpaceError,
            "cost",
            found=f"a factor of variable {i}",
            expected=f"positions from 0 to {len(space) - 1}",
            remedy="take space.position(name)",
        )
    factor = np.array(numbers, dtype=np.float64)
    if factor.shape != (space.sizes[i],) or not np.isfinite(factor).all():
        refuse(
            SpaceError,
            "cost",
            found=f"the factor {numbers!r} of variable {space.names[i]!r}",
            expected=f"{space.sizes[i]} finite numbers",
            remedy="give one for each of its categories",
        )
    return factor
