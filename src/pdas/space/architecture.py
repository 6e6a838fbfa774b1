"""An architecture: one value for every variable of a space.

Optimizers make architectures of category indices in every step. Their values are looked up when
somebody asks for them, and the other way round.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pdas.space.variables import Label
from pdas.support.arrays import IntArray
from pdas.support.display.shown import Shown
from pdas.support.errors import SpaceError
from pdas.support.files import atomic_write
from pdas.support.opening import read_text
from pdas.support.refusals import refusal, refuse

if TYPE_CHECKING:
    from pdas.space.search_space import SearchSpace


class Assignment(Protocol):
    """A value for each variable by its name: an architecture, or the mapping in a file."""

    def __getitem__(self, name: str, /) -> object: ...

    def __contains__(self, name: object, /) -> bool: ...


class Architecture(Shown):
    """An immutable assignment of a value to every variable of a space.

    `SearchSpace.architecture` makes and checks it. Two architectures are equal if their spaces and
    values are. It is no mapping, though it is read like one: whatever passes on the arguments of a
    network may rebuild mappings, and must not rebuild an architecture. `to_dict()` gives a mapping.

    Example:
        >>> from pdas.space import SearchSpace
        >>> space = SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> architecture = space.architecture({"op": "conv5", "width": 64})
        >>> architecture["op"], architecture.indices.tolist()
        ('conv5', [1, 0])
    """

    __slots__ = ("_indices", "_space", "_values")

    def __init__(
        self,
        space: SearchSpace,
        values: tuple[Label, ...] | None = None,
        indices: IntArray | None = None,
    ) -> None:
        """Not checked; one of the two is enough.

        Args:
            space: the search space.
            values: one for each variable, in order.
            indices: of the categories, shape (D,), read-only.
        """
        self._space = space
        self._values = values
        self._indices = indices

    @property
    def space(self) -> SearchSpace:
        """The space that this is an architecture of."""
        return self._space

    @property
    def values(self) -> tuple[Label, ...]:
        """The D values, in the order of the variables."""
        if self._values is None:
            pairs = zip(self._space.variables, self.indices.tolist(), strict=True)
            self._values = tuple([variable.categories[index] for variable, index in pairs])
        return self._values

    @property
    def indices(self) -> IntArray:
        """The index of each category: shape (D,), read-only."""
        if self._indices is None:
            pairs = zip(self._space.variables, self.values, strict=True)
            self._indices = np.array([variable.index(value) for variable, value in pairs])
            self._indices.flags.writeable = False
        return self._indices

    def replaced(self, position: int, category: int) -> Architecture:
        """The same architecture with another category of one variable.

        Args:
            position: of the variable in the space, from 0.
            category: the index of its new category.

        Raises:
            SpaceError: if the category is out of range.
        """
        indices = self.indices.copy()
        indices[position] = category
        return self._space.architecture(indices)

    def to_dict(self) -> dict[str, Label]:
        """Plain data, `{name: value}`, in the order of the variables."""
        return dict(zip(self._space.names, self.values, strict=True))

    def to_json(self) -> str:
        """`{name: value}` as JSON text; `SearchSpace.from_json` reads it."""
        return json.dumps(self.to_dict(), indent=2)

    def save(self, path: str | Path) -> None:
        """Write `to_json()` to a file; `SearchSpace.load` reads it.

        Args:
            path: of the file, which is replaced if it exists.

        Raises:
            RunError: the file cannot be written; what was at `path` is unchanged.
        """
        with atomic_write(Path(path)) as file:
            file.write(f"{self.to_json()}\n".encode())

    def __getitem__(self, name: str) -> Label:
        return self.values[self._space.position(name)]

    def __contains__(self, name: object) -> bool:
        return name in self._space

    # Without this, Python would try `self[0]`, `self[1]` ... and end in a puzzling KeyError.
    __iter__ = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self._space == other._space and self.values == other.values

    def __hash__(self) -> int:
        return hash((self._space, self.values))

    def __reduce__(self) -> tuple[Any, ...]:
        return Architecture, (self._space, self.values)

    def __str__(self) -> str:
        width = max(map(len, self._space.names))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self.to_dict().items())

    def __repr__(self) -> str:
        return f"Architecture({self.to_dict()!r})"


def as_labels(assignment: Architecture | Mapping[str, Any]) -> dict[str, Any]:
    """An architecture, or its labels, as plain data `{name: label}`."""
    plain = assignment.to_dict() if isinstance(assignment, Architecture) else assignment
    return dict(plain)


def labels_in_line(architecture: Architecture) -> str:
    """The labels of an architecture in the order of the variables, as "(conv3, 64)"."""
    return f"({', '.join(map(str, architecture.values))})"


def load_labels(path: str | Path) -> dict[str, Any]:
    """The values `{name: value}` in a file that `Architecture.save` wrote, of any space.

    Args:
        path: of the file.

    Raises:
        SpaceError: if the file cannot be read or holds something else.
    """
    try:
        return parse_labels(read_text(Path(path)))
    except (OSError, ValueError) as error:
        raise SpaceError(f"architecture file {path}: cannot be read ({error})") from error


def parse_labels(text: str) -> dict[str, Any]:
    """The values `{name: value}` in the text of `Architecture.to_json`, of any space.

    Args:
        text: JSON.

    Raises:
        SpaceError: if the text is no JSON object.
    """
    expected = "a JSON object {name: label}"
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError) as error:  # an endless number, or nested without end
        found = f"text that is not valid JSON ({error})"
        raise refusal(SpaceError, "architecture", found=found, expected=expected) from error
    if not isinstance(labels, dict):
        refuse(SpaceError, "architecture", found=type(labels).__name__, expected=expected)
    return labels
