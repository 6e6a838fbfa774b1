"""A survey of a supernet: every candidate is run once on a sample input.

One run with the first category of every variable tries all candidates of a choice where it stands
and goes on with the first. Only where a candidate's output differs in shape, or a plain value is
chosen, what follows is run again with that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdas.errors import NetworkError
from pdas.nn.choice.run import Found, MisfitError, count, first_line, run
from pdas.nn.choice.tree import ChoiceTree
from pdas.nn.choice.value import Value
from pdas.space import Architecture


@dataclass(frozen=True)
class Change:
    """What two runs found that differ in one category: `category` of the variable `position`."""

    position: int
    category: int
    before: Found
    after: Found


class Survey:
    """Runs a supernet on sample inputs.

    Attributes:
        base: the architecture of all first categories.
        found: what was found with it.
        changes: what was found with each other category that changes what follows.
        runs: how often the network was run.

    Raises `NetworkError`, which names the choice and the candidate, for one that does not fit.
    """

    def __init__(self, tree: ChoiceTree, inputs: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.tree = tree
        self.base = tree.space.architecture([0] * len(tree.space))
        self.changes: list[Change] = []
        self.runs = 0
        self._inputs, self._named = inputs, named
        self.found = self._first()
        runs = {self.base: self.found}
        done: set[tuple[int, int]] = set()
        while pending := [flip for flip in self._pending(runs.values()) if flip not in done]:
            for position, category in pending:
                done.add((position, category))
                around, flipped = self._flip(position, category)
                runs[flipped] = after = self._try(flipped, position, category)
                before = runs.get(around, self.found)
                self.changes.append(Change(position, category, before, after))

    def count(self, architecture: Architecture) -> int:
        """The multiply-adds of one architecture, by running it."""
        self.runs += 1
        with self.tree.selected(architecture):
            return count(self.tree.module, self._inputs, self._named)

    def _first(self) -> Found:
        try:
            return self._run(self.base)
        except Exception as error:
            self._blame(error)
            if isinstance(error, MisfitError):
                position = self.tree.space.position(error.variable)
                raise self._unfit(position, error.category, error) from error
            raise NetworkError(
                f"{type(self.tree.module).__name__}: found that it fails on the sample input "
                f"whatever is chosen ({first_line(error)}), expected it to run; check the input, "
                "and the network with the first candidate of every choice"
            ) from error

    def _blame(self, error: Exception) -> None:
        """Name the first category that fails the network, if there is one other that does not."""
        for position, variable in enumerate(self.tree.space.variables):
            for category in range(1, len(variable.categories)):
                try:
                    self._run(self._flip(position, category)[1])
                except Exception:
                    continue
                raise self._unfit(position, 0, error) from error

    def _try(self, architecture: Architecture, position: int, category: int) -> Found:
        try:
            return self._run(architecture)
        except Exception as error:
            raise self._unfit(position, category, error) from error

    def _unfit(self, position: int, category: int, error: Exception) -> NetworkError:
        return NetworkError(
            f"{self.tree.describe(position, category)} does not fit in the network, where others "
            f"do ({first_line(error)}); change or drop it"
        )

    def _run(self, architecture: Architecture) -> Found:
        self.runs += 1
        with self.tree.selected(architecture):
            return run(self.tree.module, self._inputs, self._named)

    def _flip(self, position: int, category: int) -> tuple[Architecture, Architecture]:
        """The base with a variable in use, and the same with another category of it."""
        around = self.tree.activated(self.base, position)
        indices = around.indices.copy()
        indices[position] = category
        return around, self.tree.space.architecture(indices)

    def _pending(self, found: Iterable[Found]) -> Iterator[tuple[int, int]]:
        """The categories that may change what follows."""
        reshaping = {flip for run in found for flip in run.reshaping}
        for position, variable in enumerate(self.tree.space.variables):
            plain = any(isinstance(point, Value) for point in self.tree.points[position])
            for category in range(1, len(variable.categories)):
                if plain or (variable.name, category) in reshaping:
                    yield position, category
