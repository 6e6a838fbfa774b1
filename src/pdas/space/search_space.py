"""A search space: the ordered variables of a search.

It has two faces. People and files see names and labels: `space["op"]`, `architecture({...})`.
Algorithms see the categorical part, arrays of indices: `sizes`, `architectures(indices)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from pdas.space.architecture import Architecture, load_labels, parse_labels
from pdas.space.variables import Categorical, Label
from pdas.support.arrays import IntArray
from pdas.support.display.shown import Shown
from pdas.support.errors import SpaceError, shortened
from pdas.support.refusals import refusal, refuse


class SearchSpace(Shown, Mapping[str, tuple[Label, ...]]):
    """The ordered variables of a search, as a mapping from names to categories.

    `len(space)` is D, the number of variables. Spaces are immutable. They are equal if they hold
    the same variables in the same order.

    Args:
        variables: the labels of each variable by its name.

    Raises:
        SpaceError: if there is no variable or one is malformed.

    Example:
        >>> space = SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128, 256]})
        >>> space["op"], space.sizes.tolist()
        (('conv3', 'conv5'), [2, 3])
    """

    def __init__(self, variables: Mapping[str, Sequence[Label]]) -> None:
        if not isinstance(variables, Mapping) or not variables:
            refuse(
                SpaceError,
                "search space",
                found=repr(variables),
                expected="a non-empty mapping from variable names to category labels",
                remedy='give {"op": ["conv3", "conv5"], ...}',
            )
        self._variables = tuple(Categorical(name, labels) for name, labels in variables.items())
        self._positions = {name: position for position, name in enumerate(variables)}
        self._sizes = _frozen(np.array([len(v.categories) for v in self._variables]))
        self._hash = hash(self._variables)  # once, since spaces are compared in every step

    @property
    def variables(self) -> tuple[Categorical, ...]:
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
        """The place of a variable in the order, from 0.

        Args:
            name: of the variable.

        Raises:
            KeyError: if there is no such variable, as of any mapping.
        """
        return self._positions[name]

    def architecture(
        self, assignment: Mapping[str, Label] | Architecture | npt.ArrayLike
    ) -> Architecture:
        """The architecture of `{name: label}`, or of category indices.

        Args:
            assignment: a value for each variable by its name, an architecture of an equal space,
                or D category indices in the variables' order.

        Raises:
            SpaceError: if a variable is missing or unknown, a label is unknown, the number of
                indices is not D, or an index is out of range.
        """
        if isinstance(assignment, Architecture):
            return self._from_values(assignment.to_dict())
        if isinstance(assignment, Mapping):
            return self._from_values(assignment)
        indices = _as_array(assignment)
        if indices.shape != self._sizes.shape:
            self._refuse_shape("architecture", indices, f"({len(self)},)")
        return self.architectures(indices[np.newaxis])[0]

    def architectures(self, indices: npt.ArrayLike) -> list[Architecture]:
        """The architectures of many category indices.

        Args:
            indices: integers of shape (n, D).

        Returns:
            n architectures.

        Raises:
            SpaceError: as `architecture`.
        """
        array = _as_array(indices)
        if array.ndim != 2 or array.shape[1] != len(self):
            self._refuse_shape("architectures", array, f"(n, {len(self)})")
        if array.dtype.kind not in "iu":
            found = f"{array.dtype} indices"
            refuse(SpaceError, "architectures", found=found, expected="integers")
        outside = (array < 0) | (array >= self._sizes)
        if outside.any():
            n, i = np.argwhere(outside)[0]
            refuse(
                SpaceError,
                f"variable {self.names[i]!r}",
                found=f"index {array[n, i]} out of range",
                expected=f"0 to {self._sizes[i] - 1}",
            )
        return [Architecture(self, indices=row) for row in _frozen(array)]

    def uniform(self, rng: np.random.Generator) -> Architecture:
        """One architecture, every variable drawn uniformly from its categories.

        Args:
            rng: draws one integer for each variable, in order.
        """
        return self.architecture(rng.integers(self._sizes))

    def to_dict(self) -> dict[str, list[Label]]:
        """Plain data, `{name: [label, ...]}` in order; `SearchSpace(...)` takes it back."""
        return {variable.name: list(variable.categories) for variable in self.variables}

    def from_json(self, text: str) -> Architecture:
        """The architecture in a text that `Architecture.to_json` wrote.

        Args:
            text: JSON.

        Raises:
            SpaceError: if the text is no JSON object, or its values are not those of this space.
        """
        return self._from_values(parse_labels(text))

    def load(self, path: str | Path) -> Architecture:
        """The architecture in a file that `Architecture.save` wrote.

        Args:
            path: of the file.

        Raises:
            SpaceError: if the file cannot be read, or its values are not those of this space.
        """
        labels = load_labels(path)
        try:
            return self._from_values(labels)
        except SpaceError as error:
            raise SpaceError(f"architecture file {path}: {error}") from error

    def _from_values(self, values: Mapping[str, Any]) -> Architecture:
        unknown = [name for name in values if name not in self._positions]
        missing = [name for name in self._positions if name not in values]
        for problem, names in (("unknown", unknown), ("missing", missing)):
            if names:
                found = f"{problem} variables {shortened(names)}"
                expected = f"exactly {shortened(self.names)}"
                refuse(SpaceError, "architecture", found=found, expected=expected)
        return Architecture(self, tuple(v.check(values[v.name]) for v in self.variables))

    def _refuse_shape(self, what: str, indices: npt.NDArray[Any], expected: str) -> NoReturn:
        refuse(
            SpaceError,
            what,
            found=f"indices of shape {indices.shape}",
            expected=expected,
            remedy="give one index for each variable of the space",
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


def _as_array(indices: npt.ArrayLike) -> npt.NDArray[Any]:
    """A copy, so that nobody else holds what an architecture is made of."""
    try:
        return np.array(indices)
    except ValueError as error:
        found = "rows of different lengths"
        raise refusal(SpaceError, "indices", found=found, expected="an array") from error


def _frozen(array: npt.NDArray[Any]) -> IntArray:
    """The array as int64 that nobody can write to; the caller gives up its own."""
    frozen = array.astype(np.int64, copy=False)
    frozen.flags.writeable = False
    return frozen
