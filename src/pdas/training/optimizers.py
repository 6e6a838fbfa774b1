"""What trainings share: their steps, the optimizer of weights with its schedule, a stopwatch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from pdas.resume.batches import Passes
from pdas.support.errors import NonFiniteLossError
from pdas.training.settings import TrainingSettings


@dataclass(frozen=True)
class Moment:
    """Where a training stands; steps and epochs count from 1.

    Attributes:
        steps, epochs: how many there will be; the last epoch may be cut short.
        starts_epoch, ends_epoch: whether this is the first, or the last step of its epoch.
    """

    step: int
    epoch: int
    steps: int
    epochs: int
    starts_epoch: bool
    ends_epoch: bool

    @property
    def fraction(self) -> float:
        """How far the training is, from 0 in the first epoch to 1 in the last."""
        return (self.epoch - 1) / max(self.epochs - 1, 1)


def course(batches: Passes, steps: int, done: int) -> Iterator[tuple[Moment, Any]]:
    """The batches of a training of which `done` of its steps are done, each with its moment."""
    per_epoch = len(batches)
    epochs = math.ceil(steps / per_epoch)
    for step in range(done + 1, steps + 1):
        epoch, index = divmod(step - 1, per_epoch)
        last = min((epoch + 1) * per_epoch, steps)
        yield Moment(step, epoch + 1, steps, epochs, index == 0, step == last), next(batches)


def total_steps(settings: TrainingSettings, per_epoch: int) -> int:
    """Steps of a training with so many batches in an epoch."""
    if settings.steps is not None:
        return settings.steps
    assert settings.epochs is not None
    return settings.epochs * per_epoch


def weights_with_cosine(
    module: nn.Module, settings: TrainingSettings, per_epoch: int, steps: int
) -> tuple[Optimizer, LambdaLR]:
    """What updates the weights, and its learning rate, which falls by cosine to 0 in `steps`.

    The schedule is told of every step; where the length is set in epochs, the learning rate stays
    the same for an epoch.
    """
    weights = _UPDATES[settings.weights](module, settings)
    stay = 1 if settings.steps is not None else per_epoch
    falls = math.ceil(steps / stay)
    return weights, LambdaLR(
        weights, lambda step: (1 + math.cos(math.pi * (step // stay) / falls)) / 2
    )


def _sgd(module: nn.Module, settings: TrainingSettings) -> Optimizer:
    return SGD(
        module.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )


def _adamw(module: nn.Module, settings: TrainingSettings) -> Optimizer:
    return AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        foreach=True,  # one call for all weights, of which there are many small; CPUs want it said
    )


_UPDATES = {"sgd": _sgd, "adamw": _adamw}


def clip_gradients(
    fabric: Fabric, net: nn.Module, optimizer: torch.optim.Optimizer, max_norm: float
) -> None:
    """Scale the gradient to a norm of at most `max_norm`.

    Raises `NonFiniteLossError` if the norm is not finite; the weights are as they were. In 16-bit
    precision a gradient that overflows is expected: the scaler passes the step over.
    """
    norm = fabric.clip_gradients(net, optimizer, max_norm=max_norm, error_if_nonfinite=False)
    scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
    if norm is not None and not scaled and not torch.isfinite(norm):
        raise NonFiniteLossError(
            f"gradient: found a norm of {float(norm)} for finite losses, expected a finite one; "
            "lower the learning rate of the weights"
        )


class Stopwatch:
    """Seconds that a training has taken, interruptions not included."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """So far."""
        return time.perf_counter() - self._start

    def state_dict(self) -> dict[str, float]:
        """So far."""
        return {"seconds": self.seconds()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from there."""
        self._start = time.perf_counter() - state["seconds"]
