"""The search of SMASH: a hypernetwork learns beside the free weights, then candidates compete."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn

from pdas.distributed.exchange.messages import agreed
from pdas.methods.base import SearchContext
from pdas.methods.constraints.limited import Limited
from pdas.methods.optimizer import Optimizer
from pdas.methods.planning.plan import SCORED, Plan, PlanRequest
from pdas.methods.planning.search_plan import refuse_length
from pdas.methods.scheduled.method import Scheduled
from pdas.methods.scheduled.schedule import JUDGING, Schedule
from pdas.methods.smash.local_search import RandomThenLocal
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError, SettingError
from pdas.support.refusals import refuse

IMAGES = 5000  # on which a candidate is scored, at most
ADAM: dict[str, Any] = {"lr": 1e-3, "betas": (0.5, 0.999), "eps": 1e-4}
PRECISIONS = ("32-true", "bf16-mixed")  # others scale the loss, or convert the supernet alone


class SmashSearch(Scheduled):
    """Trains with uniform architectures, and compares candidates in the last step.

    Args:
        optimizer: draws uniformly.
        learner: the same.
        comparison: of the candidates.
        epochs: passes over D_W; None for as many as the budget of the search pays.

    Example:
        SmashSearch(Uniform(net.space), None, RandomThenLocal(100, 20, 20), None)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        learner: Optimizer | None,
        comparison: RandomThenLocal,
        epochs: int | None,
    ) -> None:
        super().__init__(optimizer, learner, Schedule(epochs=epochs))
        self._comparison = comparison
        self._found: Architecture | None = None

    def plan(self, request: PlanRequest) -> Plan:
        budget, samples = request.budget, request.settings.samples
        judging = self._comparison.candidates * self._batches_of(request) * SCORED
        steps = int((budget - judging) / samples)
        if self.schedule.epochs is not None:
            steps = self.schedule.epochs * request.per_epoch
        if steps < 1:
            refuse_length(request.settings, budget - judging, budget)
        return Plan(steps, 0, 0, 0, 0.0, None, samples + judging / steps)

    def begin(self, context: SearchContext) -> None:
        _check_precision(context)
        super().begin(context)
        self._rng = np.random.default_rng([context.trial.seed, 2])
        net: Any = context.supernet
        self._net = net
        self._hypernetwork: nn.Module = net.hypernetwork
        # Those of rank 0 are everyone's, as all other weights are.
        self._hypernetwork.load_state_dict(agreed(context.fabric, self._hypernetwork.state_dict()))
        self._hypernetwork.to(context.fabric.device)
        self._adam = torch.optim.Adam(self._hypernetwork.parameters(), **ADAM)
        if context.weights is not None:
            context.weights.beside = list(self._hypernetwork.parameters())
        request = PlanRequest(
            context.settings, len(context.trial.batches), len(context.trial.theta_batches)
        )
        self._judged = self._batches_of(request)

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        measured = super().step(weight_batch, theta_batch)
        self._update_hypernetwork()
        if self._done == self._context.plan.steps:
            self._found = self._choose()
        return measured

    def after_steps(self) -> None:
        """Choose where the steps ended before the planned ones."""
        self._found = self._found or self._choose()

    def best(self) -> Architecture:
        return self._found or self.optimizer.best()

    def finalists(self, n: int) -> list[Architecture]:
        return [self.best()]

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "hypernetwork": self._hypernetwork.state_dict(),
            "adam": self._adam.state_dict(),
            "random": self._rng.bit_generator.state,
            "found": None if self._found is None else self._found.indices.tolist(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._hypernetwork.load_state_dict(state["hypernetwork"])
        self._adam.load_state_dict(state["adam"])
        self._rng.bit_generator.state = state["random"]
        found = state["found"]
        self._found = None if found is None else self.optimizer.space.architecture(found)

    def _batches_of(self, request: PlanRequest) -> int:
        """The batches of D_theta on which a candidate is scored: a share of the budget at most."""
        affordable = int(JUDGING * request.budget / (self._comparison.candidates * SCORED))
        enough = math.ceil(IMAGES / request.settings.batch_size)
        return max(1, min(affordable, enough, request.theta_per_epoch))

    def _update_hypernetwork(self) -> None:
        weights = list(self._hypernetwork.parameters())
        self._context.ranks.add_gradients(weights)
        norm = nn.utils.clip_grad_norm_(weights, self._context.settings.clip)
        if not torch.isfinite(norm):
            refuse(
                NonFiniteLossError,
                "gradient",
                found=f"a norm of {float(norm)} in the hypernetwork",
                expected="a finite one",
                remedy="lower search.optimizer.learning_rate",
            )
        rate = 0.5 * (1 + math.cos(math.pi * (self._done - 1) / self._context.plan.steps))
        self._adam.param_groups[0]["lr"] = ADAM["lr"] * rate  # a cosine to 0
        self._adam.step()

    def _choose(self) -> Architecture:
        """The best candidate, all on the same batches and with the same noise."""
        fabric, batches = self._context.fabric, self._context.theta_batches
        judged = [fabric.to_device(batch) for batch in islice(batches, self._judged)]
        limits = self.optimizer.limits if isinstance(self.optimizer, Limited) else ()
        with self._net.same_noise():
            return self._comparison(
                self.optimizer.ask,
                lambda candidates: self._penalised(candidates, judged),
                self._rng,
                lambda candidate: all(limit.holds(candidate) for limit in limits),
            )

    def _penalised(self, candidates: Sequence[Architecture], batches: Sequence[Any]) -> list[float]:
        """Their losses, with the penalty of the search if it has one."""
        losses = self.losses(candidates, batches)
        penalty = getattr(self.learner, "penalty", None)
        if penalty is None:
            return losses
        return [loss + penalty(each) for loss, each in zip(losses, candidates, strict=True)]


def _check_precision(context: SearchContext) -> None:
    """Refuse a precision in which the gradient of the hypernetwork is lost.

    Raises:
        SettingError: it is one.
    """
    precision = str(context.fabric.strategy.precision.precision)
    if precision not in PRECISIONS:
        refuse(
            SettingError,
            "device.precision",
            found=f"{precision}, while a hypernetwork learns beside the supernet",
            expected=" or ".join(PRECISIONS),
            remedy="set it so, or use another method",
        )
