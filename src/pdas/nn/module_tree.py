"""The module tree: a user's module with its choice points, their space, and what is selected."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.recomputation import Calls, next_number
from pdas.nn.conditions import Conditions, activated
from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.occurrences import Occurrence, occurrences
from pdas.space import Architecture, Categorical, SearchSpace, check_architecture
from pdas.support.arrays import BoolArray
from pdas.support.errors import NetworkError, SpaceError
from pdas.support.refusals import refuse


class ModuleTree:
    """A module and the choice points inside of it.

    Args:
        module: of the user.

    Attributes:
        module: that module.
        occurrences: of all modules inside, with the conditions under which they run.
        space: a variable for each name of a choice point, in the order of the occurrences.
        choice_points: those of each variable, each once.
        conditions: of each variable, those of each occurrence of one of its choice points.

    Raises:
        NetworkError: there is no choice point, or one where it cannot be.
        SpaceError: two choice points of one name have different categories.

    Example:
        tree = ModuleTree(module)
        with tree.selected(tree.space.architecture({"op": "conv3"})):
            y = tree.module(x)
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.occurrences = occurrences(module)
        _refuse_hidden(self.occurrences)
        _refuse_partial_ties(self.occurrences)
        self.space = _space(self.occurrences, type(module).__name__)
        self.choice_points: list[list[ChoicePoint]] = [[] for _ in self.space]
        self.conditions: list[list[Conditions]] = [[] for _ in self.space]
        for occurrence in self.occurrences:
            if isinstance(occurrence.module, ChoicePoint):
                self._add(occurrence.module, occurrence)
        points = [point for same in self.choice_points for point in same]
        # One record for all networks that have a choice point in common.
        calls = next((point.calls for point in points if point.calls is not None), Calls())
        for point in points:
            point.calls = calls
        # The conditions by position, as lists, which are read in every step.
        self._cases = [
            [[(self.space.position(n), used.tolist()) for n, used in case.items()] for case in each]
            for each in self.conditions
        ]
        self._thread = 0  # whose call is under way

    def _add(self, choice_point: ChoicePoint, occurrence: Occurrence) -> None:
        """Sort a choice point under its variable, and tell it where it is."""
        position = self.space.position(choice_point.variable.name)
        self.conditions[position].append(occurrence.conditions)
        if not any(choice_point is known for known in self.choice_points[position]):
            choice_point.path = occurrence.where
            self.choice_points[position].append(choice_point)

    def largest(self) -> Architecture:
        """The architecture of the largest numbers and the most modules; else of the first ones."""
        points = [choice_points[0] for choice_points in self.choice_points]
        return self.space.architecture([point.largest_category for point in points])

    def selected(self, architecture: Architecture) -> AbstractContextManager[None]:
        """Use an architecture within a `with` block.

        Args:
            architecture: of `space`.

        Raises:
            SpaceError: the architecture is of another space.
            NetworkError: another thread is inside of such a block.
        """
        check_architecture("architecture", architecture, self.space)
        return _Selected(self, architecture)

    def select(self, architecture: Architecture) -> list[int | None]:
        """Use an architecture from now on.

        Args:
            architecture: of `space`.

        Returns:
            The categories of before. A module may call its own supernet with another architecture:
            afterwards the first one counts again.

        Raises:
            NetworkError: another thread is inside of a block of `selected`.
        """
        before = [choice_points[0].category for choice_points in self.choice_points]
        thread = threading.get_ident()
        if before[0] is not None and self._thread != thread:
            refuse(
                NetworkError,
                "Supernet",
                found="a call in another thread under way",
                expected="one at a time, since they share their choices",
                remedy="give each thread a copy of the network",
            )
        self._thread = thread
        self.tell(architecture.indices.tolist())
        return before

    def with_weights(self) -> list[BoolArray]:
        """For each variable whether a category takes a module that has weights, `(K_i,)`.

        Where no category takes any, as with a choice of numbers or inputs, all are False.
        """
        found = []
        for name, points in zip(self.space, self.choice_points, strict=True):
            has = np.zeros(len(self.space[name]), dtype=bool)
            for point in points:
                for number, used in enumerate(point.used_with):
                    if any(True for _ in point.candidate(number).parameters()):
                        has |= used
            found.append(has)
        return found

    def active(self, architecture: Architecture) -> BoolArray:
        """Which variables an architecture uses.

        Args:
            architecture: of `space`.

        Returns:
            bool `(D,)`.

        Raises:
            SpaceError: the architecture is of another space.
        """
        check_architecture("architecture", architecture, self.space)
        chosen = architecture.indices.tolist()
        used = [
            any([all([used[chosen[i]] for i, used in case]) for case in cases])
            for cases in self._cases
        ]
        return np.array(used, dtype=bool)

    def activated(self, architecture: Architecture, position: int) -> Architecture:
        """An architecture with as few changes as it takes for a variable to be used.

        Args:
            architecture: of `space`.
            position: of the variable in the space.
        """
        return activated(architecture, self.conditions[position][0])

    def describe(self, position: int, category: int) -> str:
        """One category of a variable and where it is, for a message.

        Args:
            position: of the variable in the space.
            category: its index.
        """
        label = self.space.variables[position].categories[category]
        return f"{self.choice_points[position][0]}: {label!r}"

    def tell(self, categories: Sequence[int | None]) -> None:
        """Tell each choice point the category of its variable.

        Args:
            categories: of the D variables.
        """
        for choice_points, category in zip(self.choice_points, categories, strict=True):
            for choice_point in choice_points:
                choice_point.select(category)


class _Selected:
    """The block of `ModuleTree.selected`: a class, since a generator takes longer."""

    def __init__(self, tree: ModuleTree, architecture: Architecture) -> None:
        self._tree = tree
        self._architecture = architecture

    def __enter__(self) -> None:
        self._before = self._tree.select(self._architecture)
        self._start = next_number()

    def __exit__(self, *error: object) -> None:
        calls = self._tree.choice_points[0][0].calls
        assert calls is not None
        calls.remember(self._start, self._architecture)
        self._tree.tell(self._before)


def _refuse_hidden(found: Sequence[Occurrence]) -> None:
    """Raise `NetworkError` for a choice in a plain list or dict, where PyTorch does not see it."""
    registered = {id(occurrence.module) for occurrence in found}
    for occurrence in found:
        for name, value in vars(occurrence.module).items():
            if name.startswith("_") or not isinstance(value, dict | list | tuple):
                continue
            for item in value.values() if isinstance(value, dict) else value:
                if isinstance(item, ChoicePoint) and id(item) not in registered:
                    kind = type(value).__name__
                    refuse(
                        NetworkError,
                        str(item),
                        found=f"it in the {kind} {name!r} of module {occurrence.where}",
                        expected="it where PyTorch sees it",
                        remedy="use nn.ModuleList or nn.ModuleDict",
                    )


def _refuse_partial_ties(found: Sequence[Occurrence]) -> None:
    """Raise `NetworkError` for two weights that share some of their blocks only."""
    owners: dict[int, tuple[frozenset[int], str]] = {}
    for occurrence in found:
        weight = occurrence.module
        if not isinstance(weight, ElasticWeight):
            continue
        blocks = frozenset(map(id, weight.parameters()))
        for block in blocks:
            known, where = owners.setdefault(block, (blocks, occurrence.where))
            if known != blocks:
                refuse(
                    NetworkError,
                    occurrence.where,
                    found=f"it shares some of its blocks with {where}",
                    expected="all or none, since a derived layer has its own weight or another's",
                    remedy="assign the whole weight, b.weight = a.weight",
                )


def _space(found: Sequence[Occurrence], module: str) -> SearchSpace:
    """The variables of all choice points; `module` is the name of the whole for a message."""
    first: dict[str, tuple[Categorical, str]] = {}
    for occurrence in found:
        if not isinstance(occurrence.module, ChoicePoint):
            continue
        variable = occurrence.module.variable
        known, path = first.setdefault(variable.name, (variable, occurrence.path))
        if not _match(known, variable):
            at_both = f"{list(variable.categories)} at {occurrence.path} and "
            refuse(
                SpaceError,
                f"choice {variable.name!r}",
                found=f"{at_both}{list(known.categories)} at {path}",
                expected="the same categories in the same order, since one name is one variable",
                remedy="rename one",
            )
    if not first:
        refuse(
            NetworkError,
            "Supernet",
            found=f"no choice in {module}",
            expected="at least one, as pdas.nn.Choice(name, {...})",
            remedy="register it as an attribute or in a nn.ModuleList",
        )
    return SearchSpace({name: variable.categories for name, (variable, _) in first.items()})


def _match(first: Categorical, second: Categorical) -> bool:
    """Whether the categories are equal and of the same types: 1 and True differ here."""
    pairs = zip(first.categories, second.categories, strict=False)
    return first == second and all(type(a) is type(b) for a, b in pairs)
