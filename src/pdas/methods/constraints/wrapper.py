"""What optimizers that wrap another one, because of a cost, have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pdas.methods.optimizer import Optimizer, made_with
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


class Wrapper:
    """An optimizer around another one; what a subclass does not do itself, the other one does.

    What the wrapped optimizer has beyond the protocol, such as `theta` or `samples`, can be read
    here too.

    Args:
        optimizer: the wrapped one.

    Attributes:
        optimizer: the same.

    Example:
        class Penalised(Wrapper): ...  # with a `tell` of its own
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer

    @property
    def space(self) -> SearchSpace:
        """The space that is searched."""
        return self.optimizer.space

    @property
    def smallest_tell(self) -> int:
        """That of the wrapped optimizer."""
        return self.optimizer.smallest_tell

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

    def measures(self) -> dict[str, float]:
        """Those of the wrapped optimizer."""
        return dict(self.optimizer.measures())

    def made_with(self) -> dict[str, Any]:
        """That of the wrapped optimizer; see `pdas.methods.optimizer.made_with`."""
        return made_with(self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """That of the wrapped optimizer."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As the wrapped optimizer."""
        self.optimizer.load_state_dict(state)

    def __getattr__(self, name: str) -> Any:
        # Python asks here only for names that it finds nowhere else. While a copy is made, that can
        # be `optimizer` itself, which would never end.
        if name == "optimizer":
            raise AttributeError(name)
        return getattr(self.optimizer, name)


def check_cost(setting: str, cost: object) -> None:
    """Check that something is a cost of architectures.

    Args:
        setting: how the message names it.
        cost: to be checked.

    Raises:
        SettingError: if it cannot be called, or has no search space.
    """
    if not callable(cost) or not isinstance(getattr(cost, "space", None), SearchSpace):
        refuse(
            SettingError,
            setting,
            found=type(cost).__name__,
            expected="a cost of architectures, with a search space",
            remedy="take net.cost('parameters') or a pdas.cost.ProductCost",
        )
