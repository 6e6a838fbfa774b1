"""Retraining: a derived network from fresh weights, on the whole training set."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import nn

from pdas.distributed.devices import check_fabric
from pdas.distributed.micro_batches import parts_of
from pdas.distributed.ranks import Ranks
from pdas.resume.batches import Loader, ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.resumable import FrozenSettings, Resumable, Stateful
from pdas.support.errors import NonFiniteLossError
from pdas.training.measures import Measures, RunningMean, loss_of, numbers
from pdas.training.memory import enough_for_step
from pdas.training.optimizers import (
    Stopwatch,
    clip_gradients,
    course,
    total_steps,
    weights_with_cosine,
)
from pdas.training.settings import TrainingSettings

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

    def before_epoch(self, fraction: float) -> None:
        """Prepare for an epoch; `fraction` goes from 0 for the first to 1 for the last."""

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


class History:
    """The progress at the end of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[RetrainProgress] = []

    def state_dict(self) -> list[dict[str, Any]]:
        """All of it, as plain data."""
        return [asdict(progress) for progress in self.epochs]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Go on from `state_dict`."""
        self.epochs = [RetrainProgress(**progress) for progress in state]


def retrain(
    trainee: Trainee[Any],
    batches: Loader,
    settings: TrainingSettings,
    fabric: Fabric,
    *,
    checkpoints: Checkpoints | None = None,
    on_step: Callable[[RetrainProgress], None] = lambda progress: None,
    on_epoch: Callable[[Sequence[RetrainProgress]], None] = lambda history: None,
) -> None:
    """Train a derived network in place, from the newest checkpoint if there is one.

    `on_epoch` is handed the progress at the end of every epoch so far. Of several ranks each takes
    its part of every batch; batch norm normalises each part by itself, and keeps the mean of the
    statistics. `on_step` and `on_epoch` are called on all.

    Raises:
        NonFiniteLossError: its loss is not finite.
        OutOfMemoryError: a step needs more memory than there is.
        StoppedError: with checkpoints, Ctrl-C or SIGTERM ended it.
        RankError: of several ranks one ended, hung, or computes otherwise.
        RunError: a checkpoint cannot be written, none is whole, or it is of another training.
    """
    check_fabric(fabric)
    ranks = Ranks(fabric)
    stream = ResumableBatches(batches)
    steps = total_steps(settings, len(stream))
    weights, schedule = weights_with_cosine(trainee, settings, len(stream), steps)
    wrapped, optimizer = fabric.setup(trainee.train(), weights)
    update = _Update(fabric, ranks, wrapped, optimizer, settings)
    history, mean, watch = History(), RunningMean(), Stopwatch()
    components: dict[str, Stateful] = {
        "settings": FrozenSettings("retrain", settings),
        "trainee": trainee,
        "weights": weights,
        "schedule": schedule,
        "precision": fabric.strategy.precision,
        "batches": stream,
        "history": history,
        "mean": mean,
        "watch": watch,
    }
    training = Resumable(checkpoints, components, ranks, must_match={"weights": trainee})
    with training.stoppable() as stop:
        done = training.restore()
        if history.epochs:
            on_epoch(history.epochs)
        for moment, batch in course(stream, steps, done):
            if moment.starts_epoch or moment.step == done + 1:  # it is in no checkpoint
                trainee.before_epoch(moment.fraction)
            own = ranks.part(batch)
            with enough_for_step("retrain", moment.step, own, settings):
                mean.add(update(fabric.to_device(own), moment.step))
            progress = RetrainProgress(
                step=moment.step,
                epoch=moment.epoch,
                steps=moment.steps,
                measures=mean.values(),
                learning_rate=float(schedule.get_last_lr()[0]),
                seconds=watch.seconds(),
            )
            on_step(progress)
            schedule.step()
            if moment.ends_epoch:
                history.epochs.append(progress)
                on_epoch(history.epochs)
                mean.clear()
            training.after(moment.step, moment.step == moment.steps, stop.is_set)


class _Update:
    """One update of the weights; of several ranks each hands in its part of the batch."""

    def __init__(
        self,
        fabric: Fabric,
        ranks: Ranks,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        settings: TrainingSettings,
    ) -> None:
        self._fabric = fabric
        self._ranks = ranks
        self._network = network
        self._optimizer = optimizer
        self._settings = settings

    def __call__(self, batch: Any, step: int) -> dict[str, float]:
        """Measures of the batch, before the update."""
        self._optimizer.zero_grad(set_to_none=True)
        mean = RunningMean()
        parts = parts_of(batch, self._settings.accumulate, "retrain.accumulate")
        for part in parts:
            with self._ranks.own_random():
                own = self._network(part)
            for measures in self._ranks.gather([numbers(own)]):
                mean.add(measures)
            _check_finite(mean.values()["loss"], step)
            self._fabric.backward(loss_of(own) / (self._ranks.size * len(parts)))
        self._ranks.add_gradients(self._network.parameters())
        self._ranks.average_buffers(self._network)
        clip_gradients(self._fabric, self._network, self._optimizer, self._settings.clip)
        self._optimizer.step()
        return mean.values()


def _check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise NonFiniteLossError(
            f"training loss: found {loss} in step {step}, expected a finite one; "
            "lower retrain.learning_rate"
        )
