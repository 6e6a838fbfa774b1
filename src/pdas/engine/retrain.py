"""Retraining: a derived network from fresh weights, on the whole training set."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from pdas.engine.training import (
    Loader,
    Measures,
    RunningMean,
    clip_gradients,
    course,
    sgd_with_cosine,
)
from pdas.errors import NonFiniteLossError
from pdas.settings import TrainingSettings

N = TypeVar("N", bound=nn.Module)


class Trainee(nn.Module, Generic[N]):
    """A derived network in training, which knows its own loss.

    Attributes:
        network: the derived network.
    """

    def __init__(self, network: N) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Any) -> Measures:
        """Measures of a batch, among them the scalar tensor "loss"."""
        raise NotImplementedError

    def before_epoch(self, part: float) -> None:
        """Prepare for an epoch; `part` goes from 0 for the first to 1 for the last."""

    def finished(self) -> N:
        """The network as it is to be used."""
        return self.network


@dataclass(frozen=True)
class RetrainProgress:
    """Where a retraining stands; `measures` are means over the epoch so far."""

    step: int
    epoch: int
    steps: int
    measures: dict[str, float]
    learning_rate: float
    seconds: float


def retrain(
    trainee: Trainee[Any],
    batches: Loader,
    settings: TrainingSettings,
    fabric: Fabric,
    *,
    on_step: Callable[[RetrainProgress], None] = lambda progress: None,
    on_epoch: Callable[[RetrainProgress], None] = lambda progress: None,
) -> None:
    """Train a derived network in place. Raises `NonFiniteLossError` when its loss is not finite."""
    sgd, schedule = sgd_with_cosine(trainee, settings, len(batches))
    wrapped, optimizer = fabric.setup(trainee.train(), sgd)
    start = time.perf_counter()
    mean = RunningMean()
    for moment, batch in course(batches, settings):
        if moment.starts_epoch:
            trainee.before_epoch(moment.part)
        measures = wrapped(fabric.to_device(batch))
        _update(fabric, wrapped, optimizer, measures["loss"], moment.step, settings.clip)
        mean.add(measures)
        progress = RetrainProgress(
            step=moment.step,
            epoch=moment.epoch,
            steps=moment.steps,
            measures=mean.values(),
            learning_rate=float(schedule.get_last_lr()[0]),
            seconds=time.perf_counter() - start,
        )
        on_step(progress)
        schedule.step()
        if moment.ends_epoch:
            on_epoch(progress)
            mean = RunningMean()


def _update(
    fabric: Fabric,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Tensor | float,
    step: int,
    clip: float,
) -> None:
    assert isinstance(loss, Tensor)
    if not torch.isfinite(loss):
        raise NonFiniteLossError(
            f"training loss: found {float(loss.detach())} in step {step}, expected a finite one; "
            "lower retrain.learning_rate"
        )
    optimizer.zero_grad(set_to_none=True)
    fabric.backward(loss)
    clip_gradients(fabric, network, optimizer, clip)
    optimizer.step()
