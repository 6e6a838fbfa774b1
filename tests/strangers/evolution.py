"""A stranger: regularised evolution as an optimizer, in one file.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
"""

from __future__ import annotations

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

    `population` and `sample` as in the paper; losses of a supernet are noisy, so the best is that
    of the living with the least loss.
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
        self._told = 0

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
            self._living.append((row, loss if np.isfinite(loss) else float("inf")))
        self._told += len(values)

    def best(self) -> Architecture:
        rows = [min(self._living, key=lambda each: each[1])[0]] if self._living else []
        return self.space.architecture(rows[0] if rows else [0] * len(self.space))

    def measures(self) -> Mapping[str, float]:
        losses = [loss for _, loss in self._living]
        return {"population": float(len(losses)), "least_loss": min(losses, default=float("nan"))}

    def state_dict(self) -> dict[str, Any]:
        return {
            "space": self.space.to_dict(),
            "random": self._rng.bit_generator.state,
            "living": [[row, loss] for row, loss in self._living],
            "told": self._told,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        try:
            space, living = SearchSpace(state["space"]), state["living"]
            told, random = state["told"], state["random"]
        except KeyError as error:
            raise OptimizerError(f"load_state_dict: {error} is missing") from error
        if space != self.space:
            raise OptimizerError("load_state_dict: the state is of another search space")
        self._living.clear()
        self._living.extend((row, loss) for row, loss in living)
        self._told, self._rng.bit_generator.state = told, random

    def _child(self) -> Architecture:
        if len(self._living) < (self._living.maxlen or 0):
            return self.space.uniform(self._rng)
        chosen = self._rng.choice(len(self._living), size=self._sample, replace=False)
        parent, _ = min((self._living[i] for i in chosen), key=lambda each: each[1])
        child, i = list(parent), int(self._rng.integers(len(parent)))
        child[i] = int(self._rng.integers(self.space.sizes[i]))
        return self.space.architecture(child)
