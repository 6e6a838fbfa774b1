"""When theta begins to learn: after the warm-up, once the shared weights have learned something.

Before that, losses show which architecture trains fastest. Theta would learn this quickly, since
eta is at its maximum at the start, and would hardly unlearn it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from pdas.distributed.ranks import Ranks
from pdas.methods.optimizer import Optimizer
from pdas.methods.planning.plan import CHECK, CHECK_ARCHITECTURES, CHECK_BATCHES, SCORED, Plan
from pdas.methods.sampled.constant_output import constant_losses
from pdas.methods.sampled.step import SearchStep
from pdas.resume.batches import ResumableBatches
from pdas.support.errors import NotLearnedError
from pdas.training.measures import Loss

_log = logging.getLogger(__name__)

ENOUGH = 2  # as many of the checked architectures must be better than chance
CHECKS = 20  # at most, in the steps after the warm-up
_REMEDIES = (
    "change search.optimizer.learning_rate, make the search longer, or see whether the targets "
    "depend on the inputs"
)


class ThetaStart:
    """Decides for every step whether theta learns in it.

    Without a warm-up it always does. After a warm-up it waits until a quarter of the architectures
    are better than the best constant output, by twice the standard error over batches.

    Args:
        plan: of the search.
        step: runs architectures with the shared weights.
        loss: that of the search.
        optimizer: draws the architectures of a check.
        batches: of D_theta. A check takes some of them.
        to_device: moves a batch to the device.
        ranks: the processes of the search.

    Example:
        start = ThetaStart(plan, step, loss, optimizer, batches, fabric.to_device, ranks)
        start(1)  # False within a warm-up
    """

    def __init__(
        self,
        plan: Plan,
        step: SearchStep,
        loss: Loss,
        optimizer: Optimizer,
        batches: ResumableBatches,
        to_device: Callable[[Any], Any],
        ranks: Ranks,
    ) -> None:
        self._plan = plan
        self._step = step
        self._loss = loss
        self._optimizer = optimizer
        self._batches = batches
        self._to_device = to_device
        self._ranks = ranks
        # A step without an update of theta saves some passes. Checks are so rare that they cost no
        # more than the steps since the last one have saved.
        saved = plan.theta_samples * SCORED  # by each step
        self._every = max(math.ceil(CHECK / saved), (plan.steps - plan.warmup) // CHECKS)
        self._begun = plan.warmup == 0
        self._chance = math.inf  # below the best constant output by twice the standard error

    def __call__(self, step: int) -> bool:
        """Whether theta learns in a step.

        Args:
            step: its number, from 1.
        """
        after = step - self._plan.warmup - 1
        if not self._begun and after >= 0 and after % self._every == 0:
            self._begun = self._weights_have_learned()
        return self._begun

    def end(self) -> None:
        """Check at the end of the shared training that theta has begun to learn.

        Raises:
            NotLearnedError: it has not, and no finalist is trained. Finalists may learn in their
                own trainings, so with them this is only a line in the log.
        """
        if self._begun:
            return
        if not self._plan.trial_passes:
            raise NotLearnedError(f"{self._nothing_learned()}; {_REMEDIES}")
        _log.warning(
            "%s; finalists are drawn from a theta that did not begin", self._nothing_learned()
        )

    def check(self, least: float | None) -> None:
        """Check after the comparison of finalists that anything has learned.

        Args:
            least: the least loss of a finalist after a separate training; None if there was none.

        Raises:
            NotLearnedError: neither theta has begun, nor is `least` below that of chance.
        """
        if not self._begun and (least is None or least >= self._chance):
            raise NotLearnedError(
                f"{self._nothing_learned()}, and no finalist that was trained separately has one; "
                f"{_REMEDIES}"
            )

    def _nothing_learned(self) -> str:
        return (
            f"search: found fewer than {ENOUGH} of {CHECK_ARCHITECTURES} architectures with a "
            "loss below that of the best constant output until the last step, "
            "expected shared weights that learn"
        )

    def _weights_have_learned(self) -> bool:
        architectures = self._optimizer.ask(CHECK_ARCHITECTURES)
        batches = [self._to_device(batch) for batch in islice(self._batches, CHECK_BATCHES)]
        chance = constant_losses(self._loss, batches, self._step.model(architectures[0]))
        (not_checked,) = self._ranks.any(chance is None)
        # `any` above is an exchange, so every rank takes the same branch here.
        if chance is None or not_checked:
            _log.info("search: theta begins after the warm-up, whatever the weights have learned")
            return True
        self._chance = float(
            np.mean(chance) - 2 * np.std(chance, ddof=1) / math.sqrt(CHECK_BATCHES)
        )
        losses = np.array([self._step.losses(architectures, [batch]) for batch in batches])
        gain = np.array(chance)[:, np.newaxis] - losses  # (batches, architectures)
        standard_error = gain.std(axis=0, ddof=1) / math.sqrt(CHECK_BATCHES)
        better = int((gain.mean(axis=0) > 2 * standard_error).sum())
        (begins,) = self._ranks.any(better >= ENOUGH)
        return begins

    def state_dict(self) -> dict[str, bool | float]:
        """Whether theta has begun, and the loss that it has to beat."""
        return {"begun": self._begun, "chance": self._chance}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self._begun, self._chance = state["begun"], state["chance"]
