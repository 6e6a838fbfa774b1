"""The choices of a module: their space, and the selection of an architecture."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from torch import nn

from pdas.nn.choice_point import Point
from pdas.nn.conditions import Conditions
from pdas.nn.places import Place, places
from pdas.space import Architecture, Categorical, SearchSpace, check_architecture
from pdas.support.arrays import BoolArray
from pdas.support.errors import NetworkError, SpaceError


class FoundChoices:
    """The choices inside of a module.

    Attributes:
        module: that module.
        places: all modules inside, with the conditions under which they run.
        space: a variable for each name of a choice, in the order of the places.
        points: the choice points of each variable, each once.
        conditions: of each variable, those at each of its places.

    Raises `NetworkError` if there is no choice, or one where it cannot be; `SpaceError` if two of
    one name have different categories.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.places = places(module)
        _refuse_hidden(self.places)
        self.space = _space(self.places, type(module).__name__)
        self.points: list[list[Point]] = [[] for _ in self.space]
        self.conditions: list[list[Conditions]] = [[] for _ in self.space]
        for place in self.places:
            if isinstance(place.module, Point):
                self._add(place.module, place)
        self._thread = 0  # whose call is under way

    def _add(self, point: Point, place: Place) -> None:
        position = self.space.position(point.variable.name)
        self.conditions[position].append(place.conditions)
        if not any(point is known for known in self.points[position]):
            point.path = place.where
            self.points[position].append(point)

    @contextmanager
    def selected(self, architecture: Architecture) -> Iterator[None]:
        """Use this architecture within the block. Raises `SpaceError` if it is of another space."""
        check_architecture("architecture", architecture, self.space)
        before = [points[0].category for points in self.points]
        thread = threading.get_ident()
        if before[0] is not None and self._thread != thread:
            raise NetworkError(
                "Supernet: found a call in another thread under way, expected one at a time, since "
                "they share their choices; give each thread a copy of the network"
            )
        self._thread = thread
        self._select(architecture.indices.tolist())
        try:
            yield
        finally:
            self._select(before)

    def active(self, architecture: Architecture) -> BoolArray:
        """Which variables an architecture uses, bool `(D,)`."""
        check_architecture("architecture", architecture, self.space)
        used = [any(each.hold(architecture) for each in found) for found in self.conditions]
        return np.array(used, dtype=bool)

    def activated(self, architecture: Architecture, position: int) -> Architecture:
        """The architecture with as few others as it takes for a variable to be used."""
        indices = architecture.indices.copy()
        for name, mask in self.conditions[position][0].items():
            place = self.space.position(name)
            if not mask[indices[place]]:
                indices[place] = mask.argmax()
        return self.space.architecture(indices)

    def describe(self, position: int, category: int) -> str:
        """One category of a variable and where it is, for a message."""
        label = self.space.variables[position].categories[category]
        return f"{self.points[position][0]}: {label!r}"

    def _select(self, categories: Sequence[int | None]) -> None:
        for points, category in zip(self.points, categories, strict=True):
            for point in points:
                point.select(category)


def _refuse_hidden(found: Sequence[Place]) -> None:
    """Raise `NetworkError` for a choice in a plain list or dict, where PyTorch does not see it."""
    registered = {id(place.module) for place in found}
    for place in found:
        for name, value in vars(place.module).items():
            held = value.values() if isinstance(value, dict) else value
            if name.startswith("_") or not isinstance(value, dict | list | tuple):
                continue
            for item in held:
                if isinstance(item, Point) and id(item) not in registered:
                    raise NetworkError(
                        f"{item}: found it in the {type(value).__name__} {name!r} of module "
                        f"{place.where}, expected it where PyTorch sees it; use "
                        "nn.ModuleList or nn.ModuleDict"
                    )


def _space(found: Sequence[Place], module: str) -> SearchSpace:
    first: dict[str, tuple[Categorical, str]] = {}
    for place in found:
        if not isinstance(place.module, Point):
            continue
        variable = place.module.variable
        known, path = first.setdefault(variable.name, (variable, place.path))
        if not _same(known, variable):
            raise SpaceError(
                f"choice {variable.name!r}: found {list(variable.categories)} at {place.path} and "
                f"{list(known.categories)} at {path}, expected the same categories in the same "
                "order, since one name is one variable; rename one"
            )
    if not first:
        raise NetworkError(
            f"Supernet: found no choice in {module}, expected at least one, as "
            "pdas.nn.Choice(name, {...}); register it as an attribute or in a nn.ModuleList"
        )
    return SearchSpace({name: variable.categories for name, (variable, _) in first.items()})


def _same(first: Categorical, second: Categorical) -> bool:
    """Whether the categories are equal and of the same types: 1 and True differ here."""
    pairs = zip(first.categories, second.categories, strict=False)
    return first == second and all(type(a) is type(b) for a, b in pairs)
