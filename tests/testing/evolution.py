"""A second optimizer, small and unlike PDAS: mutants of the best architecture that was told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.methods.optimizer import checked_count, checked_losses
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError, OptimizerError


class Evolution:
    """What it asks for has every second variable, by chance, of the best that was told."""

    smallest_tell = 1

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self.space = space
        self.rng = np.random.default_rng(seed)
        self.parent = [0] * len(space)
        self.loss: float | None = None

    def ask(self, n: int | None = None) -> list[Architecture]:
        return [self.space.architecture(self.mutant()) for _ in range(checked_count(n, 2))]

    def mutant(self) -> npt.NDArray[np.int64]:
        fresh = self.rng.integers(self.space.sizes)
        return np.where(self.rng.random(len(fresh)) < 0.5, fresh, self.parent)

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        indices, values = checked_losses(self.space, architectures, losses, self.smallest_tell)
        values = np.where(np.isfinite(values), values, math.inf)
        if values.min() == math.inf:
            raise NonFiniteLossError("tell: no loss is finite")
        if self.loss is None or values.min() < self.loss:
            self.loss = float(values.min())
            self.parent = indices[values.argmin()].tolist()

    def best(self) -> Architecture:
        return self.space.architecture(self.parent)

    def measures(self) -> dict[str, float]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {
            "space": self.space.to_dict(),
            "parent": self.parent,
            "loss": self.loss,
            "random": self.rng.bit_generator.state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        try:
            space, parent, loss = SearchSpace(state["space"]), state["parent"], state["loss"]
            random = state["random"]
        except KeyError as error:
            raise OptimizerError(f"load_state_dict: {error} is missing") from error
        if space != self.space:
            raise OptimizerError("load_state_dict: the state is of another search space")
        self.parent, self.loss, self.rng.bit_generator.state = list(parent), loss, random
