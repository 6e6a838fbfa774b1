"""A plain value that a module reads: the name of an activation, a slope, a stride, a width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint, Copy
from pdas.nn.widths import ChosenWidth, Segment
from pdas.space import Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Value(ChoicePoint, ChosenWidth):
    """One of several plain values, which the module reads as `.value`.

    A value of whole numbers above 0 can be the width of `pdas.nn.Linear` and the other layers of
    `pdas.nn`; `16 * width`, `width + 80` and `width + other` are widths too.

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
    def largest_category(self) -> int:
        """That of the largest value where all are whole numbers, else the first."""
        labels = self.variable.categories
        if not all(type(label) is int for label in labels):
            return self.base_category
        return max(range(len(labels)), key=labels.__getitem__)

    @property
    def value(self) -> Label:
        """The selected value."""
        return self.variable.categories[self.selected]

    def segments(self) -> tuple[Segment, ...]:
        """Itself, as the width of a layer.

        Raises:
            NetworkError: a value is no whole number above 0.
        """
        for label in self.variable.categories:
            if not isinstance(label, int) or isinstance(label, bool) or label < 1:
                found, expected = f"{label!r} as a width", "whole numbers above 0"
                refuse(NetworkError, str(self), found=found, expected=expected)
        return (Segment(self, 1),)

    def derived(self, copy: Copy) -> nn.Module:
        """A `Constant` with the selected value."""
        return self.in_same_mode(Constant(self.value))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str | int | float | bool):
            self._refuse(other)
        return self is other

    __hash__ = ChoicePoint.__hash__


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
