"""A survey of a supernet: every candidate is run once on a sample input.

One run tries all candidates of each choice where it stands, and goes on with the first, or with all
blocks of a stack. Only where a candidate's output differs in shape, or the module itself decides
what to do with what is chosen, as with a plain value, it is run again with that one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdas.errors import NetworkError, PdasError, PdasWarning
from pdas.nn.choice.run import Found, MisfitError, count, first_line, run
from pdas.nn.choice.tree import ChoiceTree
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
        base: the architecture of all first categories, but the most blocks of every stack.
        found: what was found with it.
        changes: what was found with each other category that changes what follows.
        runs: how often the network was run.

    Raises `NetworkError`, which names the choice and the candidate, for one that does not fit.
    """

    def __init__(self, tree: ChoiceTree, inputs: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.tree = tree
        self.base = tree.space.architecture([points[0].usual for points in tree.points])
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

    def warn_of_other_outputs(self) -> None:
        """Name the categories with which the output of the whole has another shape."""
        for change in self.changes:
            found, expected = change.after.output, change.before.output
            if found != expected:
                warnings.warn(
                    f"{self.tree.describe(change.position, change.category)}: found an output of "
                    f"the network of shape {found}, where others give {expected}; change it if the "
                    "loss does not expect that",
                    PdasWarning,
                    stacklevel=4,
                )

    def _first(self) -> Found:
        try:
            return self._run(self.base)
        except Exception as error:
            self._blame(error)
            if isinstance(error, PdasError):
                raise
            if isinstance(error, MisfitError):
                position = self.tree.space.position(error.variable)
                raise self._unfit(position, error.category, error) from error
            raise NetworkError(
                f"{type(self.tree.module).__name__}: found that it fails on the sample input "
                f"whatever is chosen ({first_line(error)}), expected it to run; check the input "
                "and the module"
            ) from error

    def _blame(self, error: Exception) -> None:
        """Name the first category that fails the network, if there is one other that does not."""
        for position in range(len(self.tree.space)):
            for category in self._others(position):
                try:
                    self._run(self._flip(position, category)[1])
                except Exception:
                    continue
                raise self._unfit(position, int(self.base.indices[position]), error) from error

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

    def _others(self, position: int) -> Iterator[int]:
        """The categories of a variable but that of the base."""
        count = int(self.tree.space.sizes[position])
        return (i for i in range(count) if i != self.base.indices[position])

    def _pending(self, found: Iterable[Found]) -> Iterator[tuple[int, int]]:
        """The categories that may change what follows."""
        runs = list(found)
        reshaping = {flip for run in runs for flip in run.reshaping}
        for position, variable in enumerate(self.tree.space.variables):
            tried = any(variable.name in run.tried for run in runs)
            for category in self._others(position):
                if not tried or (variable.name, category) in reshaping:
                    yield position, category
