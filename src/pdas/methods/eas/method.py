"""The method "eas", without torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, Form, MethodRequest, MethodSettings
from pdas.methods.optimizer import Optimizer
from pdas.methods.trials.schedule import TrialSchedule
from pdas.methods.trials.settings import TrialSettings

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod
    from pdas.methods.eas.optimizer import EAS


@METHODS.named("eas")
class EASSettings(MethodSettings):
    """EAS on blocks of layers: a policy makes a start network wider and deeper.

    The first trial is the start network; the others are `episodes` of `nets` children of it.

    Attributes:
        episodes: each ends with an update of the policy.
        nets: children of the start network in an episode.
        wider, deeper: decisions for each child.
        start: layers of each block of the start network, the narrowest.
        epochs: passes over D_W of each child; None for an equal share of the budget.
        longer: times the length of a child's trial, for that of the start network.

    Example:
        EASSettings(episodes=15, nets=10, epochs=20)
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 1})
    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"search.method.episodes": 15, "search.method.nets": 10, "search.method.epochs": 20}
    )
    unused: ClassVar[frozenset[str]] = TrialSettings.unused
    form: ClassVar[Form] = "own space"

    name: Literal["eas"] = "eas"
    episodes: int = Field(3, ge=1)
    nets: int = Field(5, ge=1)
    wider: int = Field(10, ge=0)
    deeper: int = Field(5, ge=0)
    start: int = Field(3, ge=1)
    epochs: float | None = Field(None, gt=0)
    longer: float = Field(2.0, gt=0)

    def build(self, request: MethodRequest) -> EAS:
        from pdas.methods.eas.optimizer import EAS

        return EAS(
            request.space,
            seed=request.seed,
            samples=request.samples,
            nets=self.nets,
            wider=self.wider,
            deeper=self.deeper,
            start=self.start,
        )

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.trials.method import Trials

        trials = 1 + self.episodes * self.nets
        schedule = TrialSchedule(trials, self.epochs, first=1, longer=self.longer, inherit=True)
        return Trials(optimizer, learner, schedule)
