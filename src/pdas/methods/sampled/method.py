"""Algorithm 1 for any optimizer: sample architectures, train shared weights, report losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pdas.methods.base import SearchContext
from pdas.methods.driver import Driver
from pdas.methods.sampled.step import SearchStep
from pdas.methods.sampled.theta_start import ThetaStart
from pdas.methods.sampled.ties import Ties
from pdas.space import Architecture


class Sampled(Driver):
    """The search method of an optimizer (Algorithm 1); for the arguments see `Driver`.

    Example:
        pdas.search(net, loss, data, method=pdas.Sampled(pdas.PDAS(net.space)))
    """

    def begin(self, context: SearchContext) -> None:
        super().begin(context)
        settings = context.settings
        self._ties = Ties(context.active)
        self._step = SearchStep(
            context.fabric,
            context.network,
            context.loss,
            self.learner,
            context.weights,
            samples=settings.samples,
            accumulate=settings.accumulate,
            resample=settings.resample,
            theta_samples=context.plan.theta_samples,
            theta_mode=settings.theta_mode,
            active=context.learns_from,
            ties=self._ties,
            ranks=context.ranks,
        )
        self._start = ThetaStart(
            context.plan,
            self._step,
            context.loss,
            self.optimizer,
            context.theta_batches,
            context.fabric.to_device,
            context.ranks,
        )

    def learns(self, step: int) -> bool:
        return self._start(step)

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        measured = self._step(weight_batch, theta_batch)
        return measured.weights | {f"theta_{name}": value for name, value in measured.theta.items()}

    def losses(self, architectures: Sequence[Architecture], batches: Iterable[Any]) -> list[float]:
        return self._step.losses(architectures, batches)

    @property
    def ties(self) -> float | None:
        return self._ties.share if self.optimizer.smallest_tell > 1 else None

    def after_steps(self) -> None:
        self._start.end()

    def after_finalists(self, least_loss: float | None) -> None:
        self._start.check(least_loss)

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.learner.state_dict(),
            "step": self._step.state_dict(),
            "start": self._start.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.learner.load_state_dict(state["optimizer"])
        self._step.load_state_dict(state["step"])
        self._start.load_state_dict(state["start"])
