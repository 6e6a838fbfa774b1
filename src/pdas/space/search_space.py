"""Variables, search spaces and architectures.

A search space is an ordered set of categorical variables. It has two faces: names and labels for
people, integer indices for algorithms. An architecture assigns one category to every variable; it
is an immutable, hashable mapping `{name: label}` and is saved as JSON in that form.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.support.arrays import IntArray
from pdas.support.errors import SpaceError, short
from pdas.support.files import read_text

Label = str | int | float | bool


@dataclass(frozen=True)
class Variable:
    """One structure parameter: a name and its K >= 1 distinct labelled categories.

    Labels are str, int, float or bool; they are told apart by `==`, so 1, 1.0 and True are one.
    Raises SpaceError for an empty name, no categories, or bad or duplicate labels.
    """

    name: str
    categories: Sequence[Label]  # kept as a tuple
    _index: Mapping[Label, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SpaceError(f"variable name: found {self.name!r}, expected a non-empty string")
        if isinstance(self.categories, str) or not isinstance(self.categories, Sequence):
            raise SpaceError(
                f"variable {self.name!r}: found {self.categories!r}, "
                "expected a list or tuple of category labels"
            )
        if not self.categories:
            raise SpaceError(f"variable {self.name!r}: no categories; give it at least one label")
        index: dict[Label, int] = {}
        for position, label in enumerate(self.categories):
            if not _is_label(label):
                raise SpaceError(
                    f"variable {self.name!r}: category {label!r} is not a label; "
                    "expected str, int, finite float or bool"
                )
            if label in index:
                raise SpaceError(f"variable {self.name!r}: duplicate category {label!r}; drop one")
            index[label] = position
        object.__setattr__(self, "categories", tuple(self.categories))
        object.__setattr__(self, "_index", index)

    def index(self, label: object) -> int:
        """The position of a label among the categories. Raises SpaceError if it is unknown."""
        if isinstance(label, Label) and label in self._index:
            return self._index[label]
        known = ", ".join(map(repr, self.categories))
        raise SpaceError(
            f"variable {self.name!r}: unknown label {short(label)}, expected one of {known}"
        )


def _is_label(label: object) -> bool:
    if isinstance(label, float):
        return math.isfinite(label)  # NaN equals nothing, and JSON knows neither NaN nor infinity
    return isinstance(label, str | int)


class SearchSpace(Mapping[str, tuple[Label, ...]]):
    """The ordered variables of a search, as a mapping from names to categories.

    `SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})`. `len(space)` is D, the number of
    variables. Spaces are immutable and equal if they hold the same variables in the same order.
    Raises SpaceError if there is no variable or one is malformed.
    """

    def __init__(self, variables: Mapping[str, Sequence[Label]]) -> None:
        if not isinstance(variables, Mapping) or not variables:
            raise SpaceError(
                f"search space: found {variables!r}, "
                "expected a non-empty mapping from variable names to category labels"
            )
        self._variables = tuple(Variable(name, labels) for name, labels in variables.items())
        self._positions = {name: position for position, name in enumerate(variables)}
        self._sizes = _frozen(np.array([len(v.categories) for v in self._variables]))
        self._hash = hash(self._variables)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The D variables in order."""
        return self._variables

    @property
    def names(self) -> tuple[str, ...]:
        """The D names in order."""
        return tuple(self._positions)

    @property
    def sizes(self) -> IntArray:
        """K_i, the number of categories of each variable: shape (D,), read-only."""
        return self._sizes

    def position(self, name: str) -> int:
        """The place of a variable in the order, from 0. Raises KeyError as a mapping does."""
        return self._positions[name]

    def architecture(self, assignment: Mapping[str, Label] | npt.ArrayLike) -> Architecture:
        """The architecture of `{name: label}`, or of D category indices in the variables' order.

        Raises SpaceError if a variable is missing or unknown, a label is unknown, the number of
        indices is not D, or an index is out of range.
        """
        if isinstance(assignment, Mapping):
            return self._from_labels(assignment)
        indices = _as_array(assignment)
        if indices.shape != self._sizes.shape:
            raise SpaceError(
                f"architecture: found indices of shape {indices.shape}, expected ({len(self)},): "
                "one index for each variable of the space"
            )
        return self.architectures(indices[np.newaxis])[0]

    def architectures(self, indices: npt.ArrayLike) -> list[Architecture]:
        """The n architectures of an (n, D) array of category indices. Raises as `architecture`."""
        array = _as_array(indices)
        if array.ndim != 2 or array.shape[1] != len(self):
            raise SpaceError(
                f"architectures: found indices of shape {array.shape}, expected (n, {len(self)}): "
                "one index for each variable of the space"
            )
        if array.dtype.kind not in "iu":
            raise SpaceError(f"architectures: found {array.dtype} indices, expected integers")
        outside = (array < 0) | (array >= self._sizes)
        if outside.any():
            n, i = np.argwhere(outside)[0]
            raise SpaceError(
                f"variable {self.names[i]!r}: index {array[n, i]} is out of range, "
                f"expected 0 to {self._sizes[i] - 1}"
            )
        return [Architecture(self, row) for row in _frozen(array)]

    def uniform(self, rng: np.random.Generator) -> Architecture:
        """One architecture, every variable drawn uniformly from its categories."""
        return self.architecture(rng.integers(self._sizes))

    def to_dict(self) -> dict[str, list[Label]]:
        """Plain data, `{name: [label, ...]}` in order; `SearchSpace(...)` takes it back."""
        return {variable.name: list(variable.categories) for variable in self.variables}

    def from_json(self, text: str) -> Architecture:
        """The architecture that `Architecture.to_json` wrote. Raises SpaceError."""
        return self._from_labels(_parse_labels(text))

    def load(self, path: str | Path) -> Architecture:
        """The architecture saved at a path by `Architecture.save`. Raises SpaceError."""
        labels = load_labels(path)
        try:
            return self._from_labels(labels)
        except SpaceError as error:
            raise SpaceError(f"architecture file {path}: {error}") from error

    def _from_labels(self, labels: Mapping[str, Any]) -> Architecture:
        unknown = [name for name in labels if name not in self._positions]
        missing = [name for name in self._positions if name not in labels]
        for problem, names in (("unknown", unknown), ("missing", missing)):
            if names:
                raise SpaceError(
                    f"architecture: {problem} variables {shortened(names)}; "
                    f"expected exactly {shortened(self.names)}"
                )
        return Architecture(
            self, _frozen(np.array([v.index(labels[v.name]) for v in self.variables]))
        )

    def __getitem__(self, name: str) -> tuple[Label, ...]:
        return tuple(self._variables[self._positions[name]].categories)

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._variables)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SearchSpace):
            return NotImplemented
        return self is other or (
            self._hash == other._hash and self.variables == other.variables  # fast if different
        )

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return SearchSpace, (self.to_dict(),)  # a stored hash would be wrong in another process

    def __repr__(self) -> str:
        return f"SearchSpace({self.to_dict()!r})"


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Architecture(Mapping[str, Label]):
    """An immutable assignment of every variable of a space: a mapping from names to labels.

    Made by `SearchSpace.architecture`, which checks it. `indices` has shape (D,) and is read-only.
    Two architectures are equal if their spaces and indices are.
    """

    space: SearchSpace
    indices: IntArray

    def replaced(self, position: int, category: int) -> Architecture:
        """The same with another category index of the variable at a position. Raises SpaceError."""
        indices = self.indices.copy()
        indices[position] = category
        return self.space.architecture(indices)

    def to_dict(self) -> dict[str, Label]:
        """Plain data, `{name: label}`."""
        return {
            variable.name: variable.categories[index]
            for variable, index in zip(self.space.variables, self.indices.tolist(), strict=True)
        }

    def to_json(self) -> str:
        """`{name: label}` as JSON text; `SearchSpace.from_json` reads it."""
        return json.dumps(self.to_dict(), indent=2)

    def save(self, path: str | Path) -> None:
        """Write `to_json()` to a file; `SearchSpace.load` reads it."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    def __getitem__(self, name: str) -> Label:
        return self.space[name][int(self.indices[self.space.position(name)])]

    def __iter__(self) -> Iterator[str]:
        return iter(self.space)

    def __len__(self) -> int:
        return len(self.space)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self.space == other.space and np.array_equal(self.indices, other.indices)

    def __hash__(self) -> int:
        return hash((self.space, self.indices.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return SearchSpace.architecture, (self.space, self.indices)

    def __str__(self) -> str:
        width = max(map(len, self.space.names))
        return "\n".join(f"{name:<{width}}  {label}" for name, label in self.to_dict().items())

    def __repr__(self) -> str:
        return f"Architecture({self.to_dict()!r})"


def load_labels(path: str | Path) -> dict[str, Any]:
    """The labels `{name: label}` in a file of `Architecture.save`, of whatever space.

    Raises SpaceError if the file cannot be read or holds something else.
    """
    try:
        return _parse_labels(read_text(Path(path)))
    except (OSError, ValueError) as error:
        raise SpaceError(f"architecture file {path}: cannot be read ({error})") from error


def _parse_labels(text: str) -> dict[str, Any]:
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError) as error:  # an endless number, or nested without end
        raise SpaceError(f"architecture: not valid JSON ({error})") from error
    if not isinstance(labels, dict):
        found = type(labels).__name__
        raise SpaceError(f"architecture: found {found}, expected a JSON object name: label")
    return labels


def _as_array(indices: npt.ArrayLike) -> npt.NDArray[Any]:
    """A copy, so that nobody else holds what an architecture is made of."""
    try:
        return np.array(indices)
    except ValueError as error:
        raise SpaceError("indices: found rows of different lengths, expected an array") from error


def _frozen(array: npt.NDArray[Any]) -> IntArray:
    """The array as int64 that nobody can write to; the caller gives up its own."""
    frozen = array.astype(np.int64, copy=False)
    frozen.flags.writeable = False
    return frozen


def shortened(names: Sequence[str], most: int = 8) -> str:
    """The first names of many, for a message."""
    shown = ", ".join(map(short, names[:most]))
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"
