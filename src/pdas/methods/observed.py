"""What an optimizer was told: the losses of architectures, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pdas.methods.optimizer import number_in
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray, IntArray


class Observed:
    """The lowest losses of the best architectures that an optimizer was told.

    Args:
        space: of the architectures.
        most: how many of the best are kept.

    Example:
        observed = Observed(space)
        observed.add(indices, losses)
        observed.best(5)
    """

    def __init__(self, space: SearchSpace, most: int = 1000) -> None:
        self._space = space
        self._most = most
        self._losses: dict[tuple[int, ...], float] = {}

    def add(self, indices: IntArray, losses: FloatArray) -> None:
        """Take note of losses; those that are not finite are passed over.

        Args:
            indices: of the architectures, `(n, D)`.
            losses: `(n,)`.
        """
        for row, loss in zip(map(tuple, indices.tolist()), losses.tolist(), strict=True):
            if math.isfinite(loss):
                self._losses[row] = min(loss, self._losses.get(row, math.inf))
        if len(self._losses) > 2 * self._most:
            self._losses = dict(self._ranked()[: self._most])

    def best(self, n: int) -> list[Architecture]:
        """Up to n different architectures, that with the lowest loss first."""
        return [self._space.architecture(row) for row, _ in self._ranked()[:n]]

    def state_dict(self) -> list[dict[str, Any]]:
        """All of it as plain data, the best first."""
        return [{"indices": list(row), "loss": loss} for row, loss in self._ranked()]

    def load_state_dict(self, state: list[Mapping[str, Any]]) -> None:
        """Continue from `state_dict`.

        Raises:
            LookupError, TypeError, ValueError: a part is missing, or makes no sense.
        """
        rows = [self._space.architecture(each["indices"]).indices.tolist() for each in state]
        losses = [number_in(each, "loss") for each in state]
        self._losses = dict(zip(map(tuple, rows), losses, strict=True))

    def _ranked(self) -> list[tuple[tuple[int, ...], float]]:
        return sorted(self._losses.items(), key=lambda item: item[1])
