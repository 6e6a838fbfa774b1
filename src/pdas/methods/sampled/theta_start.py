"""When theta begins to learn: after the warm-up, and not before the shared weights have begun to.

Before, losses tell what trains fastest, and theta would hardly come back from that: eta is at its
maximum at the start.
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
from pdas.methods.plan import CHECK, CHECK_ARCHITECTURES, CHECK_BATCHES, SCORED, Plan
from pdas.methods.sampled.constant_output import constant_losses
from pdas.methods.sampled.step import SearchStep
from pdas.resume.batches import ResumableBatches
from pdas.support.errors import NotLearnedError
from pdas.training.measures import Loss

_log = logging.getLogger(__name__)

ENOUGH = 2  # of the architectures that are looked at are to be better than chance
CHECKS = 20  # at most, in the steps after the warm-up
_REMEDIES = (
    "change search.optimizer.learning_rate, make the search longer, or see whether the targets "
    "depend on the inputs"
)


class ThetaStart:
    """Tells of every step whether theta learns in it.

    Without a warm-up it always does. After one it waits until a quarter of the architectures are
    better than the best output that is always the same, by twice the standard error over batches.
    For that it draws from `optimizer` and takes batches.
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
        # a check costs no more than steps in which theta does not learn have saved since the last
        saved = plan.theta_samples * SCORED  # by each
        self._every = max(math.ceil(CHECK / saved), (plan.steps - plan.warmup) // CHECKS)
        self._begun = plan.warmup == 0
        self._chance = math.inf  # below the best constant output by twice the standard error

    def __call__(self, step: int) -> bool:
        """Whether theta learns in this step, the first of which is 1."""
        after = step - self._plan.warmup - 1
        if not self._begun and after >= 0 and after % self._every == 0:
            self._begun = self._weights_have_learned()
        return self._begun

    def end(self) -> None:
        """At the end of the shared training: raise `NotLearnedError` if theta has not begun.

        Finalists that are trained by themselves may learn all the same, so then it is said only.
        """
        if self._begun:
            return
        if not self._plan.trial_passes:
            raise NotLearnedError(f"{self._nothing_learned()}; {_REMEDIES}")
        _log.warning(
            "%s; theta is as it began, and finalists are drawn from that", self._nothing_learned()
        )

    def check(self, least: float | None) -> None:
        """Raise `NotLearnedError` if neither theta has begun nor a finalist has learned.

        least: the least loss of a finalist after a training of its own, None if none was trained.
        """
        if not self._begun and (least is None or least >= self._chance):
            raise NotLearnedError(
                f"{self._nothing_learned()}, and no finalist that was trained by itself has one; "
                f"{_REMEDIES}"
            )

    def _nothing_learned(self) -> str:
        return (
            f"search: found fewer than {ENOUGH} of {CHECK_ARCHITECTURES} architectures with a "
            f"loss below that of the best constant output after {self._plan.steps} steps, "
            "expected shared weights that learn"
        )

    def _weights_have_learned(self) -> bool:
        architectures = self._optimizer.ask(CHECK_ARCHITECTURES)
        batches = [self._to_device(batch) for batch in islice(self._batches, CHECK_BATCHES)]
        chance = constant_losses(self._loss, batches, self._step.model(architectures[0]))
        (not_checked,) = self._ranks.any(chance is None)
        if chance is None or not_checked:
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
        """Whether theta has begun, and what it has to beat."""
        return {"begun": self._begun, "chance": self._chance}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._begun, self._chance = state["begun"], state["chance"]
