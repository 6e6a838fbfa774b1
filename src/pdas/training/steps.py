"""The steps of a training, in epochs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pdas.resume.batches import Passes
from pdas.training.memory import enough_memory


@dataclass(frozen=True)
class Step:
    """One step of a training. Steps and epochs count from 1.

    Attributes:
        step: the current one.
        epoch: the current one.
        steps: of the whole training.
        epochs: of the whole training. The last one may be shorter.
        starts_epoch: whether this is the first step of its epoch.
        ends_epoch: whether this is the last step of its epoch.

    Example:
        Step(step=11, epoch=2, steps=30, epochs=3, starts_epoch=True, ends_epoch=False).fraction
    """

    step: int
    epoch: int
    steps: int
    epochs: int
    starts_epoch: bool
    ends_epoch: bool

    @property
    def fraction(self) -> float:
        """The part of the training that is done: 0 in the first epoch, 1 in the last."""
        return (self.epoch - 1) / max(self.epochs - 1, 1)


def steps_of(batches: Passes, steps: int, done: int) -> Iterator[tuple[Step, Any]]:
    """The remaining steps of a training, each with its batch.

    Args:
        batches: passes over the data without end.
        steps: of the whole training.
        done: the number of steps before these.

    Raises:
        OutOfMemoryError: a batch does not fit on the device on which it is made.
    """
    per_epoch = len(batches)
    epochs = math.ceil(steps / per_epoch)
    for step in range(done + 1, steps + 1):
        epoch, index = divmod(step - 1, per_epoch)
        last = min((epoch + 1) * per_epoch, steps)
        with enough_memory(lambda: "the next batch does not fit; lower batch_size"):
            batch = next(batches)
        yield Step(step, epoch + 1, steps, epochs, index == 0, step == last), batch
