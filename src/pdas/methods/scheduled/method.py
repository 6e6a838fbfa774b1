"""One-shot methods: shared weights are trained, and now and then the optimizer learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pdas.methods.base import SearchContext, used_by
from pdas.methods.constraints.wrapper import Wrapper
from pdas.methods.driver import Driver
from pdas.methods.optimizer import Optimizer, asked, count_in
from pdas.methods.planning.plan import Plan, PlanRequest
from pdas.methods.sampled.dropped import means_of_finite, none_is_finite
from pdas.methods.sampled.step import SearchStep
from pdas.methods.scheduled.schedule import Schedule
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError
from pdas.training.measures import error_of


class Scheduled(Driver):
    """Trains shared weights, and scores architectures when the schedule says so.

    A scoring happens in the last step of its period, on batches that follow each other in D_theta.
    What is told is the error, 1 - accuracy, where the loss measures it; otherwise the loss.

    Args:
        optimizer: draws architectures: by `sample(n)` for training, if it has that, else by `ask`.
        learner: what is told: the optimizer, or a wrapper of it with a penalty.
        schedule: when it trains and when it scores.

    Attributes:
        schedule: see above.

    Example:
        Scheduled(PolicyGradient(space), None, Schedule(every=1, score=300, group=10))
    """

    def __init__(self, optimizer: Optimizer, learner: Optimizer | None, schedule: Schedule) -> None:
        super().__init__(optimizer, learner)
        self.schedule = schedule
        self._done = 0  # steps

    def plan(self, request: PlanRequest) -> Plan:
        return self.schedule.plan(request)

    def begin(self, context: SearchContext) -> None:
        super().begin(context)
        settings = context.settings
        self._period = self.schedule.period(context.plan.steps, max(len(context.trial.batches), 1))
        self._step = SearchStep(
            context.fabric,
            context.network,
            context.loss,
            _Draws(self.learner),
            context.weights,
            samples=settings.samples,
            accumulate=settings.accumulate,
            theta_mode=settings.theta_mode,
            ranks=context.ranks,
        )

    def learns(self, step: int) -> bool:
        """Never from a batch of its own: a scoring takes the batches that it needs."""
        return False

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        measured = self._step(weight_batch, None).weights
        self._done += 1
        if self._is_end_of_period():
            return measured | self._score()
        return measured

    def losses(self, architectures: Sequence[Architecture], batches: Iterable[Any]) -> list[float]:
        return self._step.losses(architectures, batches)

    def _is_end_of_period(self) -> bool:
        if self._period is None:
            return False
        before, now = (
            self.schedule.scorings(self._period, done) for done in (self._done - 1, self._done)
        )
        return now > before

    def _score(self) -> dict[str, float]:
        """Score architectures and tell their errors; the means of their measures are returned."""
        assert self._period is not None
        left, found = self.schedule.scored(self._period), []
        common = self._batches() if self.schedule.common else None
        while left > 0:
            architectures = asked(self.learner, min(left, self.schedule.group or left))
            left -= len(architectures)
            measured = self._measured(architectures, common)
            self._tell(architectures, [error_of(each) for each in measured])
            found += measured
        return {f"theta_{name}": mean for name, mean in means_of_finite(found).items()}

    def _measured(
        self, architectures: Sequence[Architecture], common: Sequence[Any] | None
    ) -> list[dict[str, float]]:
        if common is not None:
            return self._step.measured(architectures, common)
        return [
            measures
            for architecture in architectures
            for measures in self._step.measured([architecture], self._batches())
        ]

    def _batches(self) -> list[Any]:
        to_device, batches = self._context.fabric.to_device, self._context.theta_batches
        return [to_device(next(batches)) for _ in range(self.schedule.batches)]

    def _tell(self, architectures: Sequence[Architecture], errors: Sequence[float]) -> None:
        used = used_by(self._context.learns_from, architectures)
        try:
            self.learner.tell(architectures, errors, used)
        except NonFiniteLossError:
            raise none_is_finite("theta loss", architectures, self._done) from None

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.learner.state_dict(),
            "step": self._step.state_dict(),
            "done": self._done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.learner.load_state_dict(state["optimizer"])
        self._step.load_state_dict(state["step"])
        self._done = count_in(state, "done")


class _Draws(Wrapper):
    """Draws for training, which are no question where the optimizer tells both apart."""

    def ask(self, n: int | None = None) -> list[Architecture]:
        draw = getattr(self.optimizer, "sample", self.optimizer.ask)
        architectures: list[Architecture] = draw(n)
        return architectures
