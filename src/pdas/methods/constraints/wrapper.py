"""What optimizers that wrap another one, for the sake of a cost, have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import SettingError

Wrapped = TypeVar("Wrapped", bound=Optimizer)


class Wrapper(Generic[Wrapped]):
    """An optimizer that leaves to `optimizer` what a subclass does not do otherwise."""

    def __init__(self, optimizer: Wrapped) -> None:
        self.optimizer = optimizer

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        return self.optimizer.space

    def ask(self, n: int | None = None) -> list[Architecture]:
        """As the wrapped optimizer."""
        return self.optimizer.ask(n)

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        """As the wrapped optimizer."""
        self.optimizer.tell(architectures, losses, active)

    def best(self) -> Architecture:
        """As the wrapped optimizer."""
        return self.optimizer.best()

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As the wrapped optimizer."""
        self.optimizer.load_state_dict(state)


def check_cost(name: str, cost: object) -> None:
    """Raises SettingError if `cost`, of the setting `name`, is none."""
    if not callable(cost) or not isinstance(getattr(cost, "space", None), SearchSpace):
        raise SettingError(
            f"{name}.cost: found {type(cost).__name__}, expected a cost of architectures, with a "
            "search space; take net.cost('parameters') or a pdas.cost.ProductCost"
        )


def is_finite(value: object) -> bool:
    """Whether `value` is a finite number."""
    return isinstance(value, int | float | np.number) and math.isfinite(value)
