"""The method "evolution": regularised evolution of networks that are trained one by one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, Form, MethodRequest, MethodSettings
from pdas.methods.evolution.optimizer import Evolution
from pdas.methods.optimizer import Optimizer

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod


@METHODS.named("evolution")
class EvolutionSettings(MethodSettings):
    """Regularised evolution (Real et al., AAAI 2019), each network trained by itself.

    Attributes:
        population: P.
        tournament: S, at most P.
        trials: how many networks are trained, by default 100, each for its share of the budget.
        epochs: of each; then the budget decides their number, if that is not set.

    Example:
        pdas.search(net, loss, data, method={"name": "evolution", "trials": 50})
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"finalists": 5, "finalists_share": 0.1})
    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "search.method.population": 100,
            "search.method.tournament": 25,
            "search.method.trials": 20_000,
            "search.method.epochs": 25,
        }
    )
    form: ClassVar[Form] = "reduced"

    name: Literal["evolution"] = "evolution"
    population: int = Field(20, ge=1)
    tournament: int = Field(5, ge=1)
    trials: int | None = Field(None, ge=1)
    epochs: float | None = Field(None, gt=0)

    def build(self, request: MethodRequest) -> Evolution:
        return Evolution(
            request.space,
            seed=request.seed,
            samples=request.samples,
            population=self.population,
            tournament=self.tournament,
        )

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.trials.method import Trials
        from pdas.methods.trials.schedule import TrialSchedule

        return Trials(optimizer, learner, TrialSchedule(self.trials, self.epochs))
