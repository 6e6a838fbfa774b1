"""The methods "nao", of networks that are trained one by one, and "nao-ws", with shared weights.

Luo et al., "Neural Architecture Optimization", NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pdas.methods.components import METHODS, Form, MethodRequest, MethodSettings
from pdas.methods.scheduled.schedule import Schedule
from pdas.methods.scheduled.settings import ScheduledSettings
from pdas.methods.trials.settings import TrialSettings

if TYPE_CHECKING:
    from pdas.methods.nao.fit import Fitting
    from pdas.methods.nao.optimizer import NAO

STEPS = (10.0, 20.0, 30.0)
FINE_STEPS = tuple(float(step) for step in range(1, 51))


class Fitted(MethodSettings):
    """How the model of a pool is fitted.

    Attributes:
        fit_epochs: passes over the pool of a fit.
        fit_batch_size: architectures of a batch of a fit.

    Example:
        class NaoSettings(Fitted, TrialSettings): ...
    """

    fit_epochs: int = Field(150, ge=1)
    fit_batch_size: int = Field(25, ge=1)

    def fitting(self) -> Fitting:
        """The settings of a fit."""
        from pdas.methods.nao.fit import Fitting

        return Fitting(self.fit_epochs, self.fit_batch_size)


@METHODS.named("nao")
class NaoSettings(Fitted, TrialSettings):
    """NAO: `seeds` random networks are trained, then `new` ones again and again.

    Attributes:
        seeds: size of the first pool.
        new: networks that a round adds.
        top: the best, from which the ascent begins.
        trials, epochs: see `TrialSettings`.
        fit_epochs, fit_batch_size: see `Fitted`.

    Example:
        pdas.search(net, loss, data, method="nao").architecture
    """

    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "search.method.seeds": 600,
            "search.method.new": 300,
            "search.method.top": 100,
            "search.method.fit_epochs": 1000,
            "search.method.fit_batch_size": 100,
            "search.method.trials": 1200,
            "search.method.epochs": 25,
        }
    )

    name: Literal["nao"] = "nao"
    seeds: int = Field(60, ge=1)
    new: int = Field(20, ge=1)
    top: int = Field(20, ge=1)

    def build(self, request: MethodRequest) -> NAO:
        from pdas.methods.nao.optimizer import NAO

        return NAO(
            request.space,
            seed=request.seed,
            samples=request.samples,
            seeds=self.seeds,
            new=self.new,
            top=self.top,
            steps=STEPS,
            fitting=self.fitting(),
        )


@METHODS.named("nao-ws")
class NaoWsSettings(Fitted, ScheduledSettings):
    """NAO with shared weights: a step trains a random one of the pool, which is scored five times.

    Then the better half stays, and new ones take the place of the others. All of a scoring have the
    same batches of D_theta. The five best at the end are trained by themselves.

    Attributes:
        pool: its size.
        batches: of D_theta on which each is scored.
        epochs: see `ScheduledSettings`.
        fit_epochs, fit_batch_size: see `Fitted`.

    Example:
        pdas.search(net, loss, data, method="nao-ws").architecture
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"samples": 1, "finalists": 5, "finalists_share": 0.1}
    )
    published: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "search.method.pool": 600,
            "search.method.batches": 8,
            "search.method.fit_epochs": 1000,
            "search.method.fit_batch_size": 100,
            "search.method.epochs": 150,
        }
    )
    form: ClassVar[Form] = "reduced"
    scorings: ClassVar[int] = 5

    name: Literal["nao-ws"] = "nao-ws"
    pool: int = Field(100, ge=2)
    batches: int = Field(2, ge=1)

    def build(self, request: MethodRequest) -> NAO:
        from pdas.methods.nao.optimizer import NAO

        return NAO(
            request.space,
            seed=request.seed,
            samples=request.samples,
            seeds=self.pool,
            new=self.pool // 2,
            top=max(1, self.pool // 6),
            steps=FINE_STEPS,
            fitting=self.fitting(),
            replaces=True,
        )

    def schedule(self) -> Schedule:
        return Schedule(
            epochs=self.epochs,
            every=1 / self.scorings,
            score=self.pool,
            common=True,
            batches=self.batches,
        )
