"""Evolution with tournaments: the best of a few members is mutated in one variable.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, where the
oldest member dies. In a tournament of Chen et al., "Reinforced Evolutionary Neural Architecture
Search", CVPR 2019, the worst of the draw dies.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from pdas.methods.observing import Observing
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import SettingError
from pdas.support.refusals import check_integer, check_one_of, refuse

Death = Literal["oldest", "worst"]


class Mutation(Protocol):
    """Makes a child of a parent. One that learns has a state, and is told how its children did."""

    def __call__(self, parent: IntArray, rng: np.random.Generator) -> IntArray:
        """The indices `(D,)` of a child."""
        ...


class OneVariable:
    """Another category, drawn uniformly, of one variable, drawn uniformly of those with a choice.

    Args:
        space: the search space.

    Example:
        OneVariable(space)(parent.indices, np.random.default_rng(0))
    """

    def __init__(self, space: SearchSpace) -> None:
        self._sizes = space.sizes
        self._free = np.flatnonzero(self._sizes > 1)

    def __call__(self, parent: IntArray, rng: np.random.Generator) -> IntArray:
        child = parent.copy()
        if len(self._free):
            i = rng.choice(self._free)
            child[i] = (child[i] + rng.integers(1, self._sizes[i])) % self._sizes[i]
        return child


@dataclass(frozen=True)
class Member:
    """An architecture of the population, by its indices, and its loss, infinite if it failed."""

    indices: tuple[int, ...]
    loss: float


class Evolution(Observing):
    """Evolution of a population. Its choice is the best that it was told.

    The first `population` architectures are uniform. Then `tournament` members are drawn without
    replacement, and the best of them is mutated. All that are asked for at a time are children of
    the population as it is. A member without a finite loss has its place, and no child while others
    are there.

    Args:
        space: the search space.
        seed: of the random generator.
        samples: how many architectures `ask()` gives.
        population: its size, P.
        tournament: members that are drawn, S, at most P.
        dies: the "oldest" member, or the "worst" of the tournament of the child that takes its
            place.
        mutation: makes a child; by default `OneVariable`.

    Raises:
        SettingError: a setting is out of range.

    Example:
        >>> import pdas
        >>> from pdas.methods.evolution.optimizer import Evolution
        >>> space = pdas.SearchSpace({"op": ["conv3", "conv5"], "width": [64, 128]})
        >>> optimizer = Evolution(space, seed=0, population=4, tournament=2)
        >>> for _ in range(20):
        ...     architectures = optimizer.ask()
        ...     optimizer.tell(architectures, [a["width"] for a in architectures])
        >>> optimizer.best()["width"]
        64
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        samples: int = 2,
        population: int = 20,
        tournament: int = 5,
        dies: Death = "oldest",
        mutation: Mutation | None = None,
    ) -> None:
        super().__init__(space, seed=seed, samples=samples)
        check_integer("population", population, 1)
        check_integer("tournament", tournament, 1)
        check_one_of("dies", dies, ("oldest", "worst"), "the oldest is that of Real et al.")
        if tournament > population:
            refuse(
                SettingError,
                "tournament",
                found=f"{tournament} of a population of {population}",
                expected="at most all of it",
                remedy="lower it, or raise population",
            )
        self._population, self._tournament, self._dies = population, tournament, dies
        self._mutation = mutation or OneVariable(space)
        self._members: list[Member] = []  # the oldest first
        self._parents: dict[tuple[int, ...], tuple[int, ...]] = {}  # of children that are asked

    def parent(self, architecture: Architecture) -> Architecture | None:
        """The member whose child an architecture is, that was asked for and not told since.

        Returns:
            None of one that was drawn uniformly, or comes from elsewhere.
        """
        parent = self._parents.get(tuple(architecture.indices.tolist()))
        return None if parent is None else self.space.architecture(parent)

    def parents(self) -> list[Architecture]:
        """Those that may still be the parent of a child, or are that of one that is asked for."""
        rows = [*(member.indices for member in self._members), *self._parents.values()]
        return [self.space.architecture(row) for row in dict.fromkeys(rows)]

    def measures(self) -> dict[str, float]:
        """The size of the population."""
        return {"population": float(len(self._members))}

    def state_dict(self) -> dict[str, Any]:
        members = [{"indices": list(m.indices), "loss": _plain(m.loss)} for m in self._members]
        parents = [[list(child), list(parent)] for child, parent in self._parents.items()]
        return super().state_dict() | {"members": members, "parents": parents}

    def _draw(self) -> Architecture:
        if len(self._members) < self._population:
            return self.space.uniform(self._rng)
        parent = min(self._entrants(), key=lambda member: member.loss)
        child = self._mutation(np.array(parent.indices), self._rng)
        self._parents[tuple(child.tolist())] = parent.indices
        return self.space.architecture(child)

    def _learn(self, indices: IntArray, losses: FloatArray) -> None:
        for row, loss in zip(indices.tolist(), losses.tolist(), strict=True):
            if len(self._members) >= self._population:
                self._members.remove(self._dying())
            self._members.append(Member(tuple(row), loss))
            self._parents.pop(tuple(row), None)

    def _entrants(self) -> list[Member]:
        """The members of a tournament."""
        chosen = self._rng.choice(len(self._members), self._tournament, replace=False)
        return [self._members[i] for i in chosen]

    def _dying(self) -> Member:
        if self._dies == "oldest":
            return self._members[0]
        return max(self._entrants(), key=lambda member: member.loss)

    def _restorer(self, state: dict[str, Any]) -> Callable[[], None]:
        members = [self._member(each) for each in state["members"]]
        if len(members) > self._population:
            raise ValueError(f"{len(members)} members, more than {self._population}")

        pairs = [[self._row(row) for row in pair] for pair in state["parents"]]
        parents = {child: parent for child, parent in pairs}

        def restore() -> None:
            self._members, self._parents = members, parents

        return restore

    def _member(self, plain: dict[str, Any]) -> Member:
        loss = plain["loss"]
        if loss is not None and not (isinstance(loss, int | float) and math.isfinite(loss)):
            raise ValueError(f"a loss of {loss!r}")
        return Member(self._row(plain["indices"]), math.inf if loss is None else float(loss))

    def _row(self, indices: Any) -> tuple[int, ...]:
        return tuple(self.space.architecture(indices).indices.tolist())


def _plain(loss: float) -> float | None:
    """A loss for JSON, which has no infinity."""
    return loss if math.isfinite(loss) else None
