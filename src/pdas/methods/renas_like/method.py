"""The method "renas-like": a learned mutation, and children that inherit the weights of parents."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.evolution.optimizer import Evolution
from pdas.methods.trials.schedule import TrialSchedule
from pdas.methods.trials.settings import TrialSettings

TRIALS = 92  # 20 of 15 epochs and 72 of 3 cost what the paper's search does
LONGER = 5.0  # times the length of a child's trial, for those that begin with fresh weights


@METHODS.named("renas-like")
class RenasLikeSettings(TrialSettings):
    """Evolution with a learned mutation, after Chen et al., CVPR 2019.

    The name says "like", since this is a reading of what others write about the paper.

    Attributes:
        population: P; their trials are five times as long as those of later children.
        tournament: S, at most P; the best is the parent, the worst dies.
        reward: of the mutation, see `Mutator`.
        trials: how many networks are trained, by default 92.
        epochs: passes over D_W of each child; see `TrialSettings`.

    Example:
        pdas.search(net, loss, data, method={"name": "renas-like", "reward": "gain"})
    """

    name: Literal["renas-like"] = "renas-like"
    population: int = Field(20, ge=1)
    tournament: int = Field(5, ge=1)
    reward: Literal["tan", "gain"] = "tan"

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

    def schedule(self) -> TrialSchedule:
        trials = TRIALS if self.trials is None and self.epochs is None else self.trials
        return TrialSchedule(
            trials, self.epochs, first=self.population, longer=LONGER, inherit=True
        )
