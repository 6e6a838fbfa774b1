"""The method "rsps": random sampling with parameter sharing.

Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, MethodRequest, MethodSettings
from pdas.methods.optimizer import Optimizer
from pdas.methods.uniform import Uniform

if TYPE_CHECKING:
    from pdas.methods.base import SearchMethod


@METHODS.named("rsps")
class Rsps(MethodSettings):
    """Trains one uniformly drawn architecture a step, and compares random ones at the end.

    They are judged with the shared weights on the whole of D_theta. There are `search.finalists` of
    them, 100 by default, or as many as three tenths of the budget pay for.

    Attributes:
        epochs: passes over D_W; None for as many as the budget of the search pays.

    Example:
        pdas.search(net, loss, data, method="rsps").architecture
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 1, "finalists": 100})
    published: ClassVar[Mapping[str, Any]] = MappingProxyType({"search.method.epochs": 100})

    name: Literal["rsps"] = "rsps"
    epochs: int | None = Field(None, ge=1)

    def build(self, request: MethodRequest) -> Uniform:
        return Uniform(request.space, seed=request.seed, samples=request.samples)

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.scheduled.method import Scheduled
        from pdas.methods.scheduled.schedule import Schedule

        return Scheduled(optimizer, learner, Schedule(epochs=self.epochs))
