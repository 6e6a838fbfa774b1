"""A method without a search: its architecture is known at the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pdas.methods.base import SearchMethod
from pdas.space import Architecture


class Fixed(SearchMethod):
    """One architecture, and no step.

    Args:
        architecture: the result.

    Example:
        Fixed(net.space.architecture({"op": "conv3", "width": 64})).best()
    """

    trains: ClassVar[bool] = False

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        """Nothing is learned."""
        return {}

    def best(self) -> Architecture:
        return self._architecture

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is no state."""
