"""What methods that train shared weights on a schedule have in common; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pdas.methods.components import THETA, MethodSettings
from pdas.methods.optimizer import Optimizer
from pdas.methods.scheduled.schedule import Schedule

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod


class ScheduledSettings(MethodSettings):
    """Settings of a method that trains shared weights on a schedule; see `Scheduled`.

    Attributes:
        epochs: passes over D_W; None for as many as the budget of the search pays.

    Example:
        class Rsps(ScheduledSettings): ...
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 1})
    unused: ClassVar[frozenset[str]] = THETA

    epochs: int | None = Field(None, ge=1)

    def schedule(self) -> Schedule:
        """When the method trains and scores; by default it scores finalists only."""
        return Schedule(epochs=self.epochs)

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.scheduled.method import Scheduled

        return Scheduled(optimizer, learner, self.schedule())
