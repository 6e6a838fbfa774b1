"""Mutations: from a parent to its child."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pdas.space import SearchSpace
from pdas.support.arrays import IntArray


@dataclass(frozen=True)
class Member:
    """An architecture of a population.

    Attributes:
        indices: of the architecture.
        loss: infinite if it failed.

    Example:
        Member((0, 2, 1), 0.31).state()
    """

    indices: tuple[int, ...]
    loss: float

    def state(self) -> dict[str, Any]:
        """As plain data; JSON has no infinity."""
        return {"indices": list(self.indices), "loss": self.loss if self.loss < math.inf else None}

    @classmethod
    def of_state(cls, space: SearchSpace, state: Mapping[str, Any]) -> Member:
        """That of `state`.

        Raises:
            LookupError, TypeError, ValueError: it is none.
        """
        loss = state["loss"]
        if loss is not None and not (isinstance(loss, int | float) and math.isfinite(loss)):
            raise ValueError(f"a loss of {loss!r}")
        row = tuple(space.architecture(state["indices"]).indices.tolist())
        return cls(row, math.inf if loss is None else float(loss))


class Mutation(ABC):
    """Makes a child of a parent. One that learns is told how its children did, and has a state.

    Example:
        class OneVariable(Mutation):
            def __call__(self, parent, rng): ...
    """

    @abstractmethod
    def __call__(self, parent: IntArray, rng: np.random.Generator) -> IntArray:
        """The indices `(D,)` of a child.

        Args:
            parent: indices `(D,)`.
            rng: all that is drawn.
        """

    def learn(self, births: Sequence[tuple[Member, Member]]) -> None:  # noqa: B027
        """Learn from parents and their children, which were told together."""

    def measures(self) -> dict[str, float]:
        """Numbers on the mutation itself."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as data that JSON can hold."""
        return {}

    def restorer(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """Read a state; the result puts it into use.

        Raises:
            LookupError, TypeError, ValueError: it is none.
        """
        return lambda: None


class OneVariable(Mutation):
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
            i = self._free[int(rng.random() * len(self._free))]
            category = int(rng.random() * (self._sizes[i] - 1))
            child[i] = category + (category >= parent[i])  # all but the present one
        return child
