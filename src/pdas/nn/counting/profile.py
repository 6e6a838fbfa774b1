"""A survey of a supernet: every candidate is run once on a sample input.

One run tries all candidates of each choice where it stands, and goes on with the first, or with all
blocks of a stack. Only where a candidate's output differs in shape, or the module itself decides
what to do with what is chosen, as with a plain value, it is run again with that one.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from pdas.nn.conditions import Conditions
from pdas.nn.counting.probe import MisfitError, Trial, Unit, count, try_all
from pdas.nn.module_tree import FoundChoices
from pdas.space import Architecture
from pdas.support.errors import NetworkError, PdasError, PdasWarning, reason


@dataclass(frozen=True)
class Change:
    """What two trials saw that differ in one category: `category` of the variable `position`."""

    position: int
    category: int
    architecture: Architecture
    before: Trial
    after: Trial


@dataclass(frozen=True)
class View:
    """What was seen with one architecture, and with each other category that changes it.

    Attributes:
        units: those that are looked at from here.
        conditions: under which they are there at all.
    """

    architecture: Architecture
    trial: Trial
    changes: Sequence[Change]
    units: Collection[Unit]
    conditions: Conditions


class Survey:
    """Runs a supernet on sample inputs.

    Attributes:
        view: from the architecture of all first categories, but the most blocks of every stack.
        trials: how often the network was run.

    Raises `NetworkError`, which names the choice and the candidate, for one that does not fit.
    """

    def __init__(
        self, choices: FoundChoices, inputs: Sequence[Any], named: Mapping[str, Any]
    ) -> None:
        self.choices = choices
        self.trials = 0
        self._inputs, self._named = cloned(inputs), cloned(named)
        self._base = choices.space.architecture([points[0].usual for points in choices.points])
        self._by_architecture = {self._base: self._first()}
        self.view = self._view(
            self._base, self._by_architecture[self._base].counts.keys(), Conditions()
        )

    def views(self) -> Iterator[View]:
        """The first view, and one from each category with which something runs that did not there.

        That is where the module itself decides by a value what is called.
        """
        yield self.view
        seen = self.view.units
        for change in self.view.changes:
            new = change.after.counts.keys() - seen
            if new:
                only = np.arange(self.choices.space.sizes[change.position]) == change.category
                fixed = Conditions({self.choices.space.names[change.position]: only})
                yield self._view(change.architecture, new, fixed)

    def _view(self, base: Architecture, units: Collection[Unit], fixed: Conditions) -> View:
        changes: list[Change] = []
        done: set[tuple[int, int]] = set()
        while pending := [flip for flip in self._pending(base, changes) if flip not in done]:
            for position, category in pending:
                done.add((position, category))
                if self.choices.space.names[position] not in fixed:
                    changes.append(self._change(base, position, category))
        return View(base, self._by_architecture[base], changes, units, fixed)

    def _change(self, base: Architecture, position: int, category: int) -> Change:
        around = self.choices.activated(base, position)
        flipped = around.replaced(position, category)
        for architecture in (around, flipped):
            if architecture not in self._by_architecture:
                self._by_architecture[architecture] = self._try(architecture, position, category)
        before, after = self._by_architecture[around], self._by_architecture[flipped]
        return Change(position, category, flipped, before, after)

    def count(self, architecture: Architecture) -> int:
        """The multiply-adds of one architecture, by running it."""
        self.trials += 1
        with self.choices.selected(architecture):
            return count(self.choices.module, self._inputs, self._named)

    def warn_of_other_outputs(self) -> None:
        """Name the categories with which the output of the whole has another shape."""
        for change in self.view.changes:
            found, expected = change.after.output, change.before.output
            if found != expected:
                warnings.warn(
                    f"{self.choices.describe(change.position, change.category)}: found an "
                    f"output of the network of shape {found}, where others give {expected}; change "
                    "it if the loss does not expect that",
                    PdasWarning,
                    stacklevel=4,
                )

    def _first(self) -> Trial:
        try:
            return self._run(self._base)
        except Exception as error:
            self._blame(error)
            if isinstance(error, PdasError):
                raise
            if isinstance(error, MisfitError):
                position = self.choices.space.position(error.variable)
                raise self._unfit(position, error.category, error) from error
            raise NetworkError(
                f"{type(self.choices.module).__name__}: found that it fails on the sample input "
                f"whatever is chosen ({reason(error)}), expected it to run; check the input "
                "and the module"
            ) from error

    def _blame(self, error: Exception) -> None:
        """Name the first category that fails the network, if there is one other that does not."""
        for position in range(len(self.choices.space)):
            for category in self._others(self._base, position):
                around = self.choices.activated(self._base, position)
                try:
                    self._run(around.replaced(position, category))
                except Exception:
                    continue
                raise self._unfit(position, int(self._base.indices[position]), error) from error

    def _try(self, architecture: Architecture, position: int, category: int) -> Trial:
        try:
            return self._run(architecture)
        except Exception as error:
            raise self._unfit(position, category, error) from error

    def _unfit(self, position: int, category: int, error: Exception) -> NetworkError:
        return NetworkError(
            f"{self.choices.describe(position, category)} does not fit in the network, where "
            f"others do ({reason(error)}); change or drop it"
        )

    def _run(self, architecture: Architecture) -> Trial:
        self.trials += 1
        with self.choices.selected(architecture):
            return try_all(self.choices.module, self._inputs, self._named)

    def _others(self, base: Architecture, position: int) -> Iterator[int]:
        """The categories of a variable but that of the base."""
        count = int(self.choices.space.sizes[position])
        return (i for i in range(count) if i != base.indices[position])

    def _pending(self, base: Architecture, changes: Sequence[Change]) -> Iterator[tuple[int, int]]:
        """The categories that may change what follows."""
        trials = [self._by_architecture[base], *(change.after for change in changes)]
        reshaping = {flip for trial in trials for flip in trial.reshaping}
        for position, variable in enumerate(self.choices.space.variables):
            tried = any(variable.name in trial.tried for trial in trials)
            for category in self._others(base, position):
                if not tried or (variable.name, category) in reshaping:
                    yield position, category


def cloned(value: Any) -> Any:
    """A copy of nested inputs, since a candidate may work in place."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: cloned(item) for key, item in value.items()}
    return type(value)(map(cloned, value)) if type(value) in (tuple, list) else value
