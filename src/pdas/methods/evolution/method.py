"""The method "evolution": regularised evolution of networks that are trained one by one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.evolution.optimizer import Evolution
from pdas.methods.trials.settings import TrialSettings


@METHODS.named("evolution")
class EvolutionSettings(TrialSettings):
    """Regularised evolution (Real et al., AAAI 2019), each network trained by itself.

    Attributes:
        population: P.
        tournament: S, at most P.
        trials, epochs: see `TrialSettings`.

    Example:
        pdas.search(net, loss, data, method={"name": "evolution", "trials": 50})
    """

    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "search.method.population": 100,
            "search.method.tournament": 25,
            "search.method.trials": 20_000,
            "search.method.epochs": 25,
        }
    )

    name: Literal["evolution"] = "evolution"
    population: int = Field(20, ge=1)
    tournament: int = Field(5, ge=1)

    def build(self, request: MethodRequest) -> Evolution:
        return Evolution(
            request.space,
            seed=request.seed,
            samples=request.samples,
            population=self.population,
            tournament=self.tournament,
        )
