"""The variables of a search space, one class for each kind.

`Variable` is what every kind has: a name, and a check of values. `Categorical` is the only kind.
It alone knows indices: the position of a label among its categories.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from pdas.support.errors import SpaceError, short
from pdas.support.refusals import refuse

Label = str | int | float | bool


@dataclass(frozen=True)
class Variable(ABC):
    """One structure parameter; the base class of every kind.

    Args:
        name: not empty; unique in its space.

    Raises:
        SpaceError: if the name is no text or empty.

    Example:
        class Integer(Variable): ...  # with `check`; `Categorical` is the kind that there is
    """

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            refuse(
                SpaceError,
                "variable name",
                found=repr(self.name),
                expected="a non-empty string",
                remedy="give it a name",
            )

    @abstractmethod
    def check(self, value: object) -> Label:
        """The value as this variable has it.

        Args:
            value: of any type, for example from a file.

        Raises:
            SpaceError: if it is none of its values.
        """


@dataclass(frozen=True)
class Categorical(Variable):
    """A variable with K >= 1 distinct labelled categories.

    Labels are str, int, float or bool. They are told apart by `==`, so 1, 1.0 and True are one.

    Args:
        categories: the labels in order; kept as a tuple.

    Raises:
        SpaceError: for an empty name, no categories, or bad or duplicate labels.

    Example:
        >>> Categorical("op", ["conv3", "conv5"]).index("conv5")
        1
    """

    categories: Sequence[Label]
    _index: Mapping[Label, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.categories, str) or not isinstance(self.categories, Sequence):
            self._refuse(repr(self.categories), "a list or tuple of category labels")
        if not self.categories:
            self._refuse("no categories", "at least one label")
        index: dict[Label, int] = {}
        for position, label in enumerate(self.categories):
            if not _is_label(label):
                self._refuse(f"category {label!r}", "a label: str, int, finite float or bool")
            if label in index:
                self._refuse(f"duplicate category {label!r}", "distinct labels; drop one")
            index[label] = position
        object.__setattr__(self, "categories", tuple(self.categories))
        object.__setattr__(self, "_index", index)

    def check(self, value: object) -> Label:
        """The label as it is among the categories, so that 1.0 becomes 1.

        Args:
            value: a label.

        Raises:
            SpaceError: if the label is unknown.
        """
        return self.categories[self.index(value)]

    def index(self, label: object) -> int:
        """The position of a label among the categories, from 0.

        Args:
            label: one of the categories.

        Raises:
            SpaceError: if the label is unknown.
        """
        if isinstance(label, Label) and label in self._index:
            return self._index[label]
        known = ", ".join(map(repr, self.categories))
        self._refuse(f"unknown label {short(label)}", f"one of {known}")

    def _refuse(self, found: str, expected: str) -> NoReturn:
        refuse(SpaceError, f"variable {self.name!r}", found=found, expected=expected)


def _is_label(label: object) -> bool:
    if isinstance(label, float):
        return math.isfinite(label)  # NaN equals nothing, and JSON knows neither NaN nor infinity
    return isinstance(label, str | int)
