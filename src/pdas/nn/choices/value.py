"""A plain value that a module reads: the name of an activation, a slope, a stride, a width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint, Copy
from pdas.nn.conditions import Conditions
from pdas.space import Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Value(ChoicePoint):
    """One of several plain values, which the module reads as `.value`.

    A value of whole numbers above 0 can be the width of `pdas.nn.Linear` and the other layers of
    `pdas.nn`; `16 * width` is a width too.

    Args:
        name: of the variable.
        values: str, int, float or bool.

    Raises:
        SpaceError: the name or a value is none that a variable can have.

    Example:
        self.slope = pdas.nn.Value("slope", [0.01, 0.1, 0.3])
        x = F.leaky_relu(x, self.slope.value)
    """

    def __init__(self, name: str, values: Sequence[Label]) -> None:
        super().__init__(name, values)

    @property
    def value(self) -> Label:
        """The selected value."""
        return self.variable.categories[self.selected]

    def derived(self, copy: Copy) -> nn.Module:
        """A `Constant` with the selected value."""
        return self.in_same_mode(Constant(self.value))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str | int | float | bool):
            self._refuse_comparison()
        return self is other

    __hash__ = ChoicePoint.__hash__

    def __bool__(self) -> bool:
        self._refuse_comparison()

    def _refuse_comparison(self) -> NoReturn:
        """An `if self.slope == 0.1` without `.value` would always be false."""
        refuse(
            NetworkError,
            str(self),
            found="it compared or tested itself",
            expected="its value",
            remedy="read `.value`",
        )

    def __mul__(self, factor: int) -> Multiple:
        return Multiple(self, factor)

    __rmul__ = __mul__


class Constant(nn.Module):
    """What stands for a `Value` in a derived network: an object with that `value`.

    Args:
        value: the chosen one.

    Example:
        Constant(0.1).value  # 0.1
    """

    def __init__(self, value: Label) -> None:
        super().__init__()
        self.value = value

    def extra_repr(self) -> str:
        return repr(self.value)


class Multiple(nn.Module):
    """A width that is a multiple of another, as of a map `(N, width, 4, 4)` after `flatten`.

    Args:
        of: the other width.
        factor: a whole number above 0.

    Raises:
        NetworkError: the factor is none.

    Example:
        self.last = pdas.nn.Linear(16 * width, 10)  # 16 * width is Multiple(width, 16)
    """

    def __init__(self, of: Value, factor: int) -> None:
        super().__init__()
        if not isinstance(factor, int) or factor < 1:
            found, expected = f"it multiplied by {factor!r}", "a whole number above 0"
            refuse(NetworkError, str(of), found=found, expected=expected)
        self.of = of
        self.factor = factor

    @property
    def value(self) -> int:
        """The selected width."""
        return int(self.of.value) * self.factor

    def __mul__(self, factor: int) -> Multiple:
        return Multiple(self.of, self.factor * Multiple(self.of, factor).factor)

    __rmul__ = __mul__


Width = int | Value | Multiple


def selected_value(width: Any) -> Any:
    """The selected value of a choice; anything else as it is.

    Args:
        width: a `Value`, a `Multiple`, or something plain.
    """
    return width.value if isinstance(width, Value | Multiple) else width


def widths_of(width: Width) -> tuple[int, ...]:
    """All numbers that a width may be, ascending.

    Args:
        width: a number, a `Value` or a multiple of one.

    Raises:
        NetworkError: it may be something that is no width.
    """
    if isinstance(width, int) and not isinstance(width, bool) and width > 0:
        return (width,)
    if not isinstance(width, Value | Multiple):
        refuse(
            NetworkError,
            "width",
            found=repr(width),
            expected="a whole number above 0, a pdas.nn.Value of such, or a multiple of one",
            remedy="give one of these",
        )
    value, factor = _factored(width)
    labels = value.variable.categories
    for label in labels:
        if not isinstance(label, int) or isinstance(label, bool) or label < 1:
            found, expected = f"{label!r} as a width", "whole numbers above 0"
            refuse(NetworkError, str(value), found=found, expected=expected)
    return tuple(sorted(int(label) * factor for label in labels))


def conditions_above(width: Width, start: int) -> Conditions:
    """The conditions under which a width is above a number.

    Args:
        width: a number, a `Value` or a multiple of one.
        start: the number.
    """
    if isinstance(width, int):
        return Conditions()
    value, factor = _factored(width)
    widths = [int(label) * factor for label in value.variable.categories]
    return Conditions({value.variable.name: np.array(widths) > start})


def _factored(width: Value | Multiple) -> tuple[Value, int]:
    """The variable of a width, and what it is multiplied by."""
    return (width.of, width.factor) if isinstance(width, Multiple) else (width, 1)


def same_width(first: Width, second: Width) -> bool:
    """Whether two widths are equal in every architecture.

    Args:
        first, second: a number, a `Value` or a multiple of one, each.
    """
    return _identity(first) == _identity(second)


def _identity(width: Width) -> tuple[str, int]:
    """What is equal of widths that are always equal."""
    if isinstance(width, int):
        return "", width
    value, factor = _factored(width)
    return value.variable.name, factor
