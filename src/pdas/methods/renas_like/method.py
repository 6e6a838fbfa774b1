"""The method "renas-like": a learned mutation, and children that inherit the weights of parents."""

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

TRIALS = 92  # 20 of 15 epochs and 72 of 3 cost what the paper's search does
LONGER = 5.0  # times the length of a child's trial, for those that begin with fresh weights


@METHODS.named("renas-like")
class RenasLikeSettings(MethodSettings):
    """Evolution with a learned mutation, after Chen et al., CVPR 2019.

    The name says "like", since this is a reading of what others write about the paper.

    Attributes:
        population: P; their trials are five times as long as those of later children.
        tournament: S, at most P; the best is the parent, the worst dies.
        reward: of the mutation, see `Mutator`.
        trials: how many networks are trained, by default 92.
        epochs: of each child; then the budget decides the number of trials, if that is not set.

    Example:
        pdas.search(net, loss, data, method={"name": "renas-like", "reward": "gain"})
    """

    search: ClassVar[Mapping[str, Any]] = MappingProxyType({"finalists": 5, "finalists_share": 0.1})
    form: ClassVar[Form] = "reduced"

    name: Literal["renas-like"] = "renas-like"
    population: int = Field(20, ge=1)
    tournament: int = Field(5, ge=1)
    reward: Literal["tan", "gain"] = "tan"
    trials: int | None = Field(None, ge=1)
    epochs: float | None = Field(None, gt=0)

    def build(self, request: MethodRequest) -> Evolution:
        from pdas.methods.renas_like.mutator import Mutator

        return Evolution(
            request.space,
            seed=request.seed,
            samples=request.samples,
            population=self.population,
            tournament=self.tournament,
            dies="worst",
            mutation=Mutator(request.space, seed=request.seed, reward=self.reward),
        )

    def driver(self, optimizer: Optimizer, learner: Optimizer) -> SearchMethod:
        from pdas.methods.trials.method import Trials
        from pdas.methods.trials.schedule import TrialSchedule

        trials = TRIALS if self.trials is None and self.epochs is None else self.trials
        schedule = TrialSchedule(
            trials, self.epochs, first=self.population, longer=LONGER, inherit=True
        )
        return Trials(optimizer, learner, schedule)
