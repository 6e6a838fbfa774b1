"""The profile of a supernet: every candidate is run once on a sample input.

One run tries all candidates of each choice where it stands, and continues with the first, or with
all blocks of a stack. Only where a candidate's output differs in shape, or the module itself
decides what to do with what is chosen, as with a plain value, it is run again with that one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pdas.nn.choices.value import Value
from pdas.nn.conditions import Conditions
from pdas.nn.counting.candidate_run import CandidateRun, MisfitError, Unit, count, run_candidates
from pdas.nn.counting.counter import Execution
from pdas.nn.counting.outline import ValuesReadError, outlining
from pdas.nn.lazy import first_lazy
from pdas.nn.module_tree import ModuleTree
from pdas.space import Architecture
from pdas.support.containers import cloned
from pdas.support.errors import NetworkError, PdasError, PdasWarning, reason
from pdas.support.refusals import refusal

Result = TypeVar("Result")


@dataclass(frozen=True)
class Change:
    """Two runs that differ in one category.

    Attributes:
        position: of the variable in the space.
        category: the index of the category that is new.
        around, architecture: without and with that category.
        before, after: the runs of these.

    Example:
        Change(0, 1, around, architecture, before=run, after=other_run)
    """

    position: int
    category: int
    around: Architecture
    architecture: Architecture
    before: CandidateRun
    after: CandidateRun


@dataclass(frozen=True)
class Neighbourhood:
    """The run of one architecture, and one with each other category that changes something.

    Attributes:
        architecture: in the middle.
        run: of that architecture.
        changes: the others.
        units: those that are counted from here.
        conditions: under which they are there at all.

    Example:
        for neighbourhood in Profile(tree, (x,), {}).neighbourhoods(): ...
    """

    architecture: Architecture
    run: CandidateRun
    changes: Sequence[Change]
    units: Collection[Unit]
    conditions: Conditions


class Profile:
    """Runs a supernet on sample inputs.

    Args:
        tree: the module with its choice points.
        inputs, named: what the module is called with.

    Attributes:
        first: the neighbourhood of the architecture of all first categories, but the most blocks
            of every stack.
        runs: how often the network was run.

    Raises:
        NetworkError: a candidate does not fit; names the choice and the candidate.

    Example:
        profile = Profile(ModuleTree(module), (x,), {})
        profile.warn_of_other_outputs()
    """

    def __init__(self, tree: ModuleTree, inputs: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.tree = tree
        self.runs = 0
        self._outline = first_lazy(tree.module) is None  # a run makes its weights
        self._inputs, self._named = inputs, named
        self._base = tree.space.architecture(
            [points[0].base_category for points in tree.choice_points]
        )
        base_run = self._first_run()
        self._by_architecture = {self._base: base_run}
        self.first = self._neighbourhood(self._base, base_run.counts.keys(), Conditions())

    def neighbourhoods(self) -> Iterator[Neighbourhood]:
        """The first one, and one from each category with which something runs that did not there.

        That is where the module itself decides by a value what is called.
        """
        yield self.first
        seen = self.first.units
        space = self.tree.space
        for change in self.first.changes:
            new = change.after.counts.keys() - seen
            if new:
                only = np.arange(space.sizes[change.position]) == change.category
                fixed = Conditions({space.names[change.position]: only})
                yield self._neighbourhood(change.architecture, new, fixed)

    def all_runs(self) -> Collection[CandidateRun]:
        """Every run that tried candidates."""
        return self._by_architecture.values()

    def _neighbourhood(
        self, base: Architecture, units: Collection[Unit], fixed: Conditions
    ) -> Neighbourhood:
        """The changes from `base` but of the variables in `fixed`, until no run asks for more."""
        names = self.tree.space.names
        changes: list[Change] = []
        done: set[tuple[int, int]] = set()
        # A run with another category may show further ones that change a shape: repeat until none.
        while pending := [flip for flip in self._pending(base, changes) if flip not in done]:
            for position, category in pending:
                done.add((position, category))
                if names[position] not in fixed:
                    changes.append(self._change(base, position, category))
        return Neighbourhood(base, self._by_architecture[base], changes, units, fixed)

    def _change(self, base: Architecture, position: int, category: int) -> Change:
        """The runs before and after one category is changed, where its variable is in use."""
        around = self.tree.activated(base, position)
        flipped = around.replaced(position, category)
        for architecture in (around, flipped):
            if architecture not in self._by_architecture:
                self._by_architecture[architecture] = self._try(architecture, position, category)
        before, after = self._by_architecture[around], self._by_architecture[flipped]
        return Change(position, category, around, flipped, before, after)

    def _pending(self, base: Architecture, changes: Sequence[Change]) -> Iterator[tuple[int, int]]:
        """The categories that may change what follows."""
        runs = [self._by_architecture[base], *(change.after for change in changes)]
        reshaping = {flip for run in runs for flip in run.reshaping}
        for position, variable in enumerate(self.tree.space.variables):
            # A value has no candidates: only further runs show what it changes.
            complete = any(variable.name in run.complete for run in runs)
            for category in self._others(base, position):
                if not complete or (variable.name, category) in reshaping:
                    yield position, category

    def _others(self, base: Architecture, position: int) -> Iterator[int]:
        """The categories of a variable but that of the base."""
        size = int(self.tree.space.sizes[position])
        return (i for i in range(size) if i != base.indices[position])

    def count(self, architecture: Architecture) -> int:
        """The multiply-adds of one architecture, by running it.

        Args:
            architecture: of the space of the tree.
        """
        return self._call(count, architecture)

    def warn_of_other_outputs(self) -> None:
        """Name the categories with which the output of the whole has another shape."""
        for change in self.first.changes:
            found, expected = change.after.output, change.before.output
            if found != expected:
                warnings.warn(
                    f"{self.tree.describe(change.position, change.category)}: found an "
                    f"output of the network of shape {found}, where others give {expected}; change "
                    "it if the loss does not expect that",
                    PdasWarning,
                    stacklevel=4,
                )

    def _first_run(self) -> CandidateRun:
        """The run of the base. If it fails, say which candidate is to blame."""
        try:
            return self._run(self._base)
        except Exception as error:
            self._blame(error)
            if isinstance(error, PdasError):
                raise
            if isinstance(error, MisfitError):
                position = self.tree.space.position(error.variable)
                raise self._misfit(position, error.category, error) from error
            raise refusal(
                NetworkError,
                type(self.tree.module).__name__,
                found=f"that it fails on the sample input whatever is chosen ({reason(error)})",
                expected="it to run",
                remedy="check the input and the module",
            ) from error

    def _blame(self, error: Exception) -> None:
        """Name the first category that fails the network, if there is one other that does not."""
        for position in range(len(self.tree.space)):
            for category in self._others(self._base, position):
                around = self.tree.activated(self._base, position)
                try:
                    self._run(around.replaced(position, category))
                except Exception:
                    continue
                raise self._misfit(position, int(self._base.indices[position]), error) from error

    def _try(self, architecture: Architecture, position: int, category: int) -> CandidateRun:
        """A run that blames one category if it fails."""
        try:
            return self._run(architecture)
        except Exception as error:
            raise self._misfit(position, category, error) from error

    def _misfit(self, position: int, category: int, error: Exception) -> NetworkError:
        """The error that names one category."""
        remedy = "change or drop it"
        if isinstance(self.tree.choice_points[position][0], Value):
            remedy += ", or give widths that are added or follow each other one Value"
        return NetworkError(
            f"{self.tree.describe(position, category)} does not fit in the network, where "
            f"others do ({reason(error)}); {remedy}"
        )

    def _run(self, architecture: Architecture) -> CandidateRun:
        """Run all candidates, with one architecture selected."""
        return self._call(run_candidates, architecture)

    def _call(self, function: Callable[..., Result], architecture: Architecture) -> Result:
        """Call a function of the module and of inputs of their own, with its way to run kernels.

        The first is to outline the large ones. What fails so is tried again for real, since that
        may be for another reason; and once is enough to try.
        """
        self.runs += 1
        if self._outline:
            try:
                with outlining(self.tree.module) as outline:
                    return self._call_once(function, architecture, outline)
            except (Exception, ValuesReadError):
                self._outline = False
        return self._call_once(function, architecture, Execution())

    def _call_once(
        self, function: Callable[..., Result], architecture: Architecture, execution: Execution
    ) -> Result:
        inputs, named = cloned(self._inputs), cloned(self._named)
        with self.tree.selected(architecture):
            return function(self.tree.module, inputs, named, execution)
