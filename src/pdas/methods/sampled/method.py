"""Algorithm 1 for any optimizer: sample architectures, train shared weights, report losses."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.constraints.limited import Limited
from pdas.methods.optimizer import Optimizer, made_with
from pdas.methods.sampled.proposals import propose
from pdas.methods.sampled.step import SearchStep
from pdas.methods.sampled.theta_start import ThetaStart
from pdas.resume.resumable import Stateful
from pdas.space import Architecture
from pdas.space.categories import theta_of
from pdas.support.arrays import FloatArray

_log = logging.getLogger(__name__)


class Sampled(SearchMethod):
    """The search method of an optimizer (Algorithm 1).

    Args:
        optimizer: draws architectures. Its limit, if it has one, holds for all of them.
        learner: draws and learns in the steps: the optimizer, or a wrapper of it with a penalty.

    Attributes:
        optimizer: see above.

    Example:
        pdas.search(net, loss, data, method=pdas.Sampled(pdas.PDAS(net.space)))
    """

    def __init__(self, optimizer: Optimizer, learner: Optimizer | None = None) -> None:
        self.optimizer = optimizer
        self._learner = learner or optimizer

    def begin(self, context: SearchContext) -> None:
        settings = context.settings
        self._context = context
        self._step = SearchStep(
            context.fabric,
            context.network,
            context.loss,
            self._learner,
            context.weights,
            samples=settings.samples,
            accumulate=settings.accumulate,
            resample=settings.resample,
            theta_samples=context.plan.theta_samples,
            theta_mode=settings.theta_mode,
            active=context.active if settings.mask_inactive else None,
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

    def best(self) -> Architecture:
        return self.optimizer.best()

    def finalists(self, n: int) -> list[Architecture]:
        """The best architecture and draws of the optimizer; see `SearchMethod.finalists`."""
        found = propose(self.optimizer, n, self._context.active)
        if len(found) < n:
            _log.warning(
                "search.finalists: found %d distinct networks of %s%s, expected %d%s; "
                "these are compared",
                len(found),
                type(self.optimizer).__name__ if self.theta_array is None else "theta",
                " within the limit" if isinstance(self.optimizer, Limited) else "",
                n,
                "" if n == self._context.settings.finalists else ", as many as their share allows",
            )
        return found

    def losses(self, architectures: Sequence[Architecture], batches: Iterable[Any]) -> list[float]:
        return self._step.losses(architectures, batches)

    def measures(self) -> Mapping[str, float]:
        return self.optimizer.measures()

    @property
    def theta_array(self) -> FloatArray | None:
        return theta_of(self.optimizer, self.optimizer.space)

    @property
    def theta_max(self) -> FloatArray | None:
        theta_max: FloatArray | None = getattr(self.optimizer, "theta_max", None)
        return theta_max

    def after_steps(self) -> None:
        self._start.end()

    def after_finalists(self, least_loss: float | None) -> None:
        self._start.check(least_loss)

    @property
    def must_match(self) -> Stateful:
        """Theta: the rest counts messages, or holds a loss that machines may round otherwise."""
        return self._learner

    def made_with(self) -> dict[str, Any]:
        """That of the optimizer, with its limits and penalty."""
        return made_with(self._learner)

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self._learner.state_dict(),
            "step": self._step.state_dict(),
            "start": self._start.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._learner.load_state_dict(state["optimizer"])
        self._step.load_state_dict(state["step"])
        self._start.load_state_dict(state["start"])
