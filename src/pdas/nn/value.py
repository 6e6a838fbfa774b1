"""A plain value that a module reads: the name of an activation, a rate, a stride, a width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from pdas.nn.choice_point import Copy, Point
from pdas.nn.conditions import Conditions
from pdas.space import Label
from pdas.support.errors import NetworkError


class Value(Point):
    """One of several plain values: `self.rate = pdas.nn.Value("rate", [0.1, 0.3])`.

    The module reads `self.rate.value`. A value of whole numbers above 0 can be the width of
    `pdas.nn.Linear` and the other layers of `pdas.nn`; `16 * width` is a width too.

    Args:
        name: of the variable.
        values: str, int, float or bool.
    """

    def __init__(self, name: str, values: Sequence[Label]) -> None:
        super().__init__(name, values)

    @property
    def value(self) -> Label:
        """The selected value."""
        return self.variable.categories[self.selected]

    def derived(self, copy: Copy) -> nn.Module:
        return self.in_its_mode(Constant(self.value))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str | int | float | bool):
            raise self._not_read()
        return self is other

    __hash__ = Point.__hash__

    def __bool__(self) -> bool:
        raise self._not_read()

    def _not_read(self) -> NetworkError:
        return NetworkError(
            f"{self}: found it compared or tested itself, expected its value; read `.value`"
        )

    def __mul__(self, factor: int) -> Multiple:
        return Multiple(self, factor)

    __rmul__ = __mul__


class Constant(nn.Module):
    """What stands for a `Value` in a derived network: an object with that `value`."""

    def __init__(self, value: Label) -> None:
        super().__init__()
        self.value = value

    def extra_repr(self) -> str:
        return repr(self.value)


class Multiple(nn.Module):
    """A width that is a multiple of another, as of a map `(N, width, 4, 4)` after `flatten`."""

    def __init__(self, of: Value, factor: int) -> None:
        super().__init__()
        if not isinstance(factor, int) or factor < 1:
            raise NetworkError(
                f"{of}: found it multiplied by {factor!r}, expected a whole number above 0"
            )
        self.of = of
        self.factor = factor

    @property
    def value(self) -> int:
        """The selected width."""
        return int(self.of.value) * self.factor

    def __mul__(self, factor: int) -> Multiple:
        return Multiple(self.of, self.factor * Multiple(self.of, factor).factor)

    __rmul__ = __mul__


Size = int | Value | Multiple


def selected(size: Any) -> Any:
    """The selected value of a choice; anything else as it is."""
    return size.value if isinstance(size, Value | Multiple) else size


def widths_of(size: Size) -> tuple[int, ...]:
    """The widths that there are, ascending. Raises `NetworkError` for values that are no widths."""
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return (size,)
    if not isinstance(size, Value | Multiple):
        raise NetworkError(
            f"width: found {size!r}, expected a whole number above 0, a pdas.nn.Value of such, or "
            "a multiple of one; give one of these"
        )
    value, factor = _factored(size)
    labels = value.variable.categories
    for label in labels:
        if not isinstance(label, int) or isinstance(label, bool) or label < 1:
            raise NetworkError(
                f"{value}: found {label!r} as a width, expected whole numbers above 0"
            )
    return tuple(sorted(int(label) * factor for label in labels))


def conditions_above(size: Size, start: int) -> Conditions:
    """Where a width is above `start`."""
    if isinstance(size, int):
        return Conditions()
    value, factor = _factored(size)
    widths = [int(label) * factor for label in value.variable.categories]
    return Conditions({value.variable.name: np.array(widths) > start})


def _factored(size: Value | Multiple) -> tuple[Value, int]:
    return (size.of, size.factor) if isinstance(size, Multiple) else (size, 1)


def same_size(first: Size, second: Size) -> bool:
    """Whether two widths are always equal."""
    return _identity(first) == _identity(second)


def _identity(size: Size) -> tuple[str, int]:
    if isinstance(size, int):
        return "", size
    value, factor = _factored(size)
    return value.variable.name, factor
