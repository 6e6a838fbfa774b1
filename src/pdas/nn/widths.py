"""Widths that are choices, and their sums and multiples.

A dimension of a weight is a row of segments. A segment belongs to one choice and is used from its
beginning as far as the choice says; `u + v` has two, as the channels of two maps that are
concatenated; `4 * u` has one, as those of a map of 2 x 2 that is flattened, channel by channel.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from torch import nn

from pdas.nn.conditions import Conditions
from pdas.nn.misuse import NoNumber
from pdas.space import Categorical, Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class ChosenWidth(NoNumber):
    """A number of channels or features that is chosen; the base of `Value`, sums and multiples.

    Example:
        width = pdas.nn.Value("width", [16, 32])
        2 * width + 80  # a ChosenWidth
    """

    @property
    @abstractmethod
    def value(self) -> Label:
        """The selected number."""

    @property
    @abstractmethod
    def is_selected(self) -> bool:
        """Whether an architecture is selected now, so that there is a `value`."""

    @abstractmethod
    def segments(self) -> tuple[Segment, ...]:
        """The segments of a dimension of this width, in order.

        Raises:
            NetworkError: it may be something that is no width.
        """

    @property
    def at_widest(self) -> Any:
        """What `value` is with the largest category."""
        return widest(self)

    def __mul__(self, factor: int) -> ChosenWidth:
        if not isinstance(factor, int) or isinstance(factor, bool) or factor < 1:
            refuse(
                NetworkError,
                str(self),
                found=f"it multiplied by {factor!r}",
                expected="a whole number above 0",
                remedy="make a Value of the smallest of such numbers, and multiply that",
            )
        return WidthSum([Segment(s.choice, s.factor * factor) for s in self.segments()])

    __rmul__ = __mul__

    def __add__(self, other: Width) -> ChosenWidth:
        return WidthSum([*self.segments(), *segments_of(other)])

    def __radd__(self, other: Width) -> ChosenWidth:
        return WidthSum([*segments_of(other), *self.segments()])


Width = int | ChosenWidth


@dataclass(frozen=True)
class Segment:
    """A part of a dimension: a number of units, that one choice decides, or that is fixed.

    Attributes:
        choice: the `Value` that says how many units are used; None where the number is fixed.
        factor: channels of a unit; of a fixed segment all of them.
        power: of the number of units: 2 for the positions of a square kernel.

    Example:
        Segment(width, 4)  # of `4 * width`
        Segment(None, 80)  # of `80`
    """

    choice: Any  # a `Value`, which is a `ChosenWidth` itself
    factor: int
    power: int = 1

    @property
    def variable(self) -> Categorical:
        """Of the choice, which there must be."""
        variable: Categorical = self.choice.variable
        return variable

    @property
    def name(self) -> str:
        """Of the variable; empty where the number is fixed."""
        return "" if self.choice is None else self.variable.name

    @property
    def value(self) -> int:
        """The selected number of channels."""
        return self.factor if self.choice is None else self._size(self.choice.value)

    @property
    def sizes(self) -> tuple[int, ...]:
        """All that it may be, ascending."""
        if self.choice is None:
            return (self.factor,)
        return tuple(sorted(map(self._size, self.variable.categories)))

    def above(self, start: int) -> Conditions:
        """The conditions under which it has more channels than a number.

        Args:
            start: the number.
        """
        if self.choice is None:
            return Conditions()
        numbers = list(map(self._size, self.variable.categories))
        return Conditions({self.name: np.array(numbers) > start})

    def _size(self, label: Label) -> int:
        """The number of channels with one category."""
        size: int = self.factor * int(label) ** self.power
        return size


@dataclass(frozen=True)
class Piece:
    """A range of a dimension that is used as a whole or not at all.

    Attributes:
        start, stop: of the range, in the widest.
        segment: that it is in.
        offset: where it begins in that segment.

    Example:
        [piece for piece in pieces_of(width) if piece.is_used]
    """

    start: int
    stop: int
    segment: Segment
    offset: int

    @property
    def is_used(self) -> bool:
        """Whether it is, with what is selected now."""
        return self.segment.value > self.offset

    @property
    def conditions(self) -> Conditions:
        """The conditions under which it is."""
        return self.segment.above(self.offset)


class WidthSum(ChosenWidth, nn.Module):
    """A width that is made of others: `4 * u`, `u + 80`, `u + v`.

    A module, so that the choices in it are found where a layer has it as an attribute.

    Args:
        segments: in order.

    Example:
        self.last = pdas.nn.Linear(16 * width, 10)
    """

    def __init__(self, segments: list[Segment]) -> None:
        super().__init__()
        self._segments = tuple(segments)
        for number, segment in enumerate(segments):
            if segment.choice is not None:
                self.add_module(str(number), segment.choice)

    @property
    def value(self) -> int:
        return sum(segment.value for segment in self._segments)

    @property
    def is_selected(self) -> bool:
        return all(choice.is_selected for choice in choices_of(self))

    def segments(self) -> tuple[Segment, ...]:
        return self._segments

    def extra_repr(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return width_text(self)


def width_text(width: Any) -> str:
    """A width as a person writes it, as "80 + 2 * u"; anything else by `repr`.

    Args:
        width: a `ChosenWidth`, or something plain.
    """
    return (
        " + ".join(map(_term, width.segments())) if isinstance(width, ChosenWidth) else repr(width)
    )


def _term(segment: Segment) -> str:
    """A segment as a person writes it."""
    if segment.choice is None:
        return str(segment.factor)
    return segment.name if segment.factor == 1 else f"{segment.factor} * {segment.name}"


def segments_of(width: Width) -> tuple[Segment, ...]:
    """The segments of a width.

    Args:
        width: a number, a `Value`, or a sum or a multiple of such.

    Raises:
        NetworkError: it is none of them.
    """
    if isinstance(width, int) and not isinstance(width, bool) and width > 0:
        return (Segment(None, width),)
    if isinstance(width, ChosenWidth):
        return width.segments()
    refuse(
        NetworkError,
        "width",
        found=repr(width),
        expected="a whole number above 0, a pdas.nn.Value of such, or a sum or multiple of them",
        remedy="give one of these",
    )


def choices_of(width: Width) -> tuple[Any, ...]:
    """The `Value`s that a width depends on, in order.

    Args:
        width: a number, a `Value`, or a sum or a multiple of such.
    """
    return tuple(s.choice for s in segments_of(width) if s.choice is not None)


def pieces_of(width: Width) -> tuple[Piece, ...]:
    """The pieces of a dimension, between the numbers that its segments may have.

    Args:
        width: of the dimension.
    """
    return tuple(
        Piece(start + offset, start + end, segment, offset)
        for start, segment in placed_segments(width)
        for offset, end in pairwise((0, *segment.sizes))
    )


def placed_segments(width: Width) -> Iterator[tuple[int, Segment]]:
    """The segments of a dimension, each with where it begins in the widest.

    Args:
        width: of the dimension.
    """
    segments = segments_of(width)
    starts = accumulate((segment.sizes[-1] for segment in segments), initial=0)
    yield from zip(starts, segments, strict=False)


def widest(width: Width) -> int:
    """The largest number that a width may be.

    Args:
        width: a number, a `Value`, or a sum or a multiple of such.
    """
    return sum(segment.sizes[-1] for segment in segments_of(width))


def repeated(width: Width, count: int) -> Width:
    """The width of so many tensors that are concatenated, each of a width.

    Args:
        width: of each.
        count: how many there are, at least 1.
    """
    total = width
    for _ in range(count - 1):
        total = total + width
    return total


def selected_value(width: Any) -> Any:
    """The selected value of a choice; anything else as it is.

    Args:
        width: a `ChosenWidth`, or something plain.
    """
    return width.value if isinstance(width, ChosenWidth) else width


def widest_value(width: Any) -> Any:
    """What `selected_value` is in the widest; anything else as it is.

    Args:
        width: a `ChosenWidth`, or something plain.
    """
    return width.at_widest if isinstance(width, ChosenWidth) else width


def same_width(first: Width, second: Width) -> bool:
    """Whether two widths are equal in every architecture, segment by segment.

    Args:
        first, second: a number, a `Value`, or a sum or a multiple of such, each.
    """
    return _identity(first) == _identity(second)


def _identity(width: Width) -> list[tuple[str, int]]:
    """What is equal of widths that are always equal."""
    return [(segment.name, segment.factor) for segment in segments_of(width)]
