"""What methods whose networks are trained one by one have in common; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pdas.methods.components import THETA, Form, MethodSettings
from pdas.methods.optimizer import Optimizer
from pdas.methods.trials.schedule import TrialSchedule

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod


class TrialSettings(MethodSettings):
    """Settings of a method whose networks are trained one by one; see `Trials`.

    The published searches train thousands of networks; with 100 of them a method is a reduced one.

    Attributes:
        trials: how many networks are trained, by default 100, each for its share of the budget.
        epochs: passes over D_W of each; the budget then decides their number, if `trials` is None.

    Example:
        class EvolutionSettings(TrialSettings): ...
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"finalists": 5, "finalists_share": 0.1})
    unused: ClassVar[frozenset[str]] = THETA | {"theta_mode", "train_weights"}
    form: ClassVar[Form] = "reduced"

    trials: int | None = Field(None, ge=1)
    epochs: float | None = Field(None, gt=0)

    def schedule(self) -> TrialSchedule:
        """How many trials there are, and how long they are."""
        return TrialSchedule(self.trials, self.epochs)

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.trials.method import Trials

        return Trials(optimizer, learner, self.schedule())
