"""A stranger: regularised evolution as an optimizer, in one file.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdas.methods.optimizer import checked_losses
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError, OptimizerError


class RegularisedEvolution:
    """Mutates the best of a sample of the population; the oldest dies.

    `population` and `sample` as in the paper. The best is that of all that were ever told.
    """

    def __init__(
        self, space: SearchSpace, *, seed: int = 0, population: int = 20, sample: int = 5
    ) -> None:
        self.space = space
        self.samples = 2
        self.smallest_tell = 1
        self._rng = np.random.default_rng(seed)
        self._sample = sample
        self._living: deque[tuple[list[int], float]] = deque(maxlen=population)
        self._best: tuple[list[int], float] = ([0] * len(space), math.inf)

    def ask(self, n: int | None = None) -> list[Architecture]:
        count = self.samples if n is None else n
        if not isinstance(count, int | np.integer) or count < 1:
            raise OptimizerError(f"ask: found n = {n!r}, expected an integer of at least 1")
        return [self._child() for _ in range(count)]

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        indices, values = checked_losses(self.space, architectures, losses, self.smallest_tell)
        if not np.isfinite(values).any():
            raise NonFiniteLossError("tell: no loss is finite, found none, expected one; lower it")
        for row, loss in zip(indices.tolist(), values.tolist(), strict=True):
            each = (row, loss if math.isfinite(loss) else math.inf)
            self._living.append(each)
            self._best = min(self._best, each, key=lambda one: one[1])

    def best(self) -> Architecture:
        return self.space.architecture(self._best[0])

    def measures(self) -> Mapping[str, float]:
        return {"population": float(len(self._living))}

    def state_dict(self) -> dict[str, Any]:
        return {
            "space": self.space.to_dict(),
            "random": self._rng.bit_generator.state,
            "living": [[row, loss] for row, loss in self._living],
            "best": list(self._best),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        try:
            if SearchSpace(state["space"]) != self.space:
                raise ValueError("one of another search space")
            living = [self._told(row, loss) for row, loss in state["living"]]
            best = self._told(*state["best"])
            self._rng.bit_generator.state = state["random"]  # the last that may fail
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise OptimizerError(f"load_state_dict: no state of this optimizer: {error}") from error
        self._living.clear()
        self._living.extend(living)
        self._best = best

    def _told(self, row: Any, loss: Any) -> tuple[list[int], float]:
        """One of the population, of a state that may be broken."""
        if not isinstance(loss, float) or math.isnan(loss):
            raise ValueError(f"a loss of {loss}")
        return self.space.architecture(row).indices.tolist(), loss

    def _child(self) -> Architecture:
        if len(self._living) < (self._living.maxlen or 0):
            return self.space.uniform(self._rng)
        chosen = self._rng.choice(len(self._living), size=self._sample, replace=False)
        parent, _ = min((self._living[i] for i in chosen), key=lambda each: each[1])
        child, i = list(parent), int(self._rng.integers(len(parent)))
        child[i] = int(self._rng.integers(self.space.sizes[i]))
        return self.space.architecture(child)
