"""Architectures whose loss is not finite: they are dropped from a step, and the log says so."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from pdas.space import Architecture
from pdas.space.architecture import labels_in_line
from pdas.support.errors import NonFiniteLossError
from pdas.training.measures import RunningMean

_log = logging.getLogger(__name__)


class Dropped:
    """Counts the architectures that were dropped.

    Attributes:
        count: since the beginning of the search.

    Example:
        dropped = Dropped()
        dropped.log("training loss", architectures, measured, step=3)
    """

    def __init__(self) -> None:
        self.count = 0

    def log(
        self,
        loss: str,
        architectures: Sequence[Architecture],
        measured: Sequence[Mapping[str, float]],
        step: int,
    ) -> None:
        """Count those without a finite loss, and log the first, the second, the fourth, and so on.

        Args:
            loss: its name, for the message.
            architectures: of the step.
            measured: the measures of each.
            step: the current one.
        """
        for architecture, measures in zip(architectures, measured, strict=True):
            if has_finite_loss(measures):
                continue
            self.count += 1
            if self.count & (self.count - 1) == 0:  # a power of 2
                _log.warning(
                    "%s: %s for the architecture %s in step %d, which is dropped (%d in all)",
                    loss,
                    measures["loss"],
                    labels_in_line(architecture),
                    step,
                    self.count,
                )


def none_is_finite(
    loss: str, architectures: Sequence[Architecture], step: int
) -> NonFiniteLossError:
    """The error of a step in which no architecture has a finite loss."""
    return NonFiniteLossError(
        f"{loss}: not finite for any architecture of step {step}, of "
        f"{' and '.join(map(labels_in_line, architectures))}; lower search.optimizer.learning_rate"
    )


def has_finite_loss(measures: Mapping[str, float]) -> bool:
    """Whether the loss among measures is finite."""
    return math.isfinite(measures["loss"])


def means_of_finite(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over the architectures with a finite loss."""
    mean = RunningMean()
    for measures in filter(has_finite_loss, measured):
        mean.add(measures)
    return mean.values()
