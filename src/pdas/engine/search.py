"""The search, Algorithm 1: one training run that ends with the most likely architecture.

`search` is the public entry for a network and data of the user's own; the recipes go through
the same function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset

from pdas.arrays import FloatArray
from pdas.engine.batch_norm import without_running_statistics
from pdas.engine.candidates import Candidates
from pdas.engine.checkpoint import Checkpoints
from pdas.engine.devices import check_fabric, check_samples
from pdas.engine.given import both_halves, check_kinds, optimizer_for, space_of
from pdas.engine.measures import Loss, RunningMean
from pdas.engine.memory import enough_for_step
from pdas.engine.ranks import Ranks
from pdas.engine.resume import Resumable, Unchanged
from pdas.engine.step import Active, SearchStep
from pdas.engine.stream import Stream
from pdas.engine.training import Loader, Stopwatch, course, sgd_with_cosine
from pdas.nn.supernet import MaskingSupernet
from pdas.optim import PDAS, Limit, Limited, Optimizer, Penalised, Penalty
from pdas.settings import SearchSettings
from pdas.space import Architecture
from pdas.validated import validated


@dataclass(frozen=True)
class Progress:
    """Where a search stands; handed to `on_step` after every step.

    `measures` are means over the epoch so far: "loss" and whatever else the loss measures, of the
    weight batches, and the same with the prefix "theta_" of the theta batches. With a limit there
    is "rejection_rate", the share of all draws so far that were over it.
    """

    step: int
    epoch: int
    steps: int
    measures: dict[str, float]
    convergence: float
    eta: float  # the learning rate of theta
    learning_rate: float
    seconds: float


@dataclass
class SearchResult:
    """What a search found; handed to `on_epoch` after every epoch with what it found so far.

    Attributes:
        architecture: the most likely architecture.
        optimizer: the optimizer, with its distribution.
        history: a row of measures for each epoch.
        theta: the probabilities at the start and after each epoch, `(epochs + 1, D, K_max)`.
        seconds: time that the search took.
    """

    architecture: Architecture
    optimizer: PDAS
    history: list[Progress] = field(default_factory=list)
    theta: list[FloatArray] = field(default_factory=list)
    seconds: float = 0.0

    def add_epoch(self, progress: Progress, architecture: Architecture) -> None:
        """Take in where the search stands at the end of an epoch, and what it has found."""
        self.history.append(progress)
        self.theta.append(self.optimizer.theta_array)
        self.architecture = architecture
        self.seconds = progress.seconds

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer, as plain data."""
        return {
            "architecture": self.architecture.indices.tolist(),
            "history": [asdict(progress) for progress in self.history],
            "theta": [theta.tolist() for theta in self.theta],
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.architecture = self.optimizer.space.architecture(state["architecture"])
        self.history = [Progress(**progress) for progress in state["history"]]
        self.theta = [np.array(theta) for theta in state["theta"]]
        self.seconds = state["seconds"]


def search(
    net: nn.Module,
    loss: Loss,
    data: Dataset[Any] | tuple[Loader, Loader],
    *,
    settings: SearchSettings | None = None,
    optimizer: PDAS | None = None,
    limit: Limit | None = None,
    penalty: Penalty | None = None,
    fabric: Fabric | None = None,
    checkpoints: Checkpoints | None = None,
    seed: int = 0,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[SearchResult], None] = lambda result: None,
    **overrides: Any,
) -> SearchResult:
    """Search an architecture for a network and data of one's own (Algorithm 1).

    Args:
        net: `pdas.nn.Supernet(module)`, or a module with `space` and `forward(x, architecture)`;
            `forward_many(x, architectures)`, where it exists, runs all architectures of a step at
            once, and `active(architecture)` tells which variables are in use. It is trained in
            place. Its batch norms use the batch at hand and keep no running statistics meanwhile.
        loss: `loss(model, batch)`, a scalar tensor, or a mapping with it as "loss" and with other
            measures to record; `model(...)` runs one architecture, with the inputs of the network
            but the last.
        data: a map-style data set, which is split into halves by `seed`; or the two halves, as two
            data sets, or as two iterables of batches with a length.
        settings: see `SearchSettings`; single settings can be given by name instead.
        optimizer: default `PDAS(net.space, seed=seed)` with the settings' `samples` and
            `theta_rate`; one that is given keeps its own.
        limit: no architecture above it is trained or found. One that is drawn is drawn again, which
            biases the update of theta; the measure "rejection_rate" says how large a share that is.
        penalty: added to the losses that theta learns from, and to these alone.
        checkpoints: where the search is kept; it goes on from the newest one there, and at once
            ends if that is of the last step. Ctrl-C and SIGTERM end it after the step at hand with
            a `StoppedError`.
        fabric: devices and precision; default one CPU or GPU as Lightning Fabric finds it. Several
            by `strategy=pdas.engine.devices.Ddp()`, after `fabric.launch()`; each trains its share
            of the samples, and `on_step` and `on_epoch` are called on all.

    Raises:
        SettingError: a setting is unknown or out of range, a batch larger than half the data,
            `net`, `loss`, `data` or `optimizer` is not as said above, or no architecture is within
            the limit.
        NonFiniteLossError: no architecture of a step had a finite loss.
        OutOfMemoryError: a step needs more memory than there is.
        RankError: of several ranks one ended, hung, or computes otherwise.
        StoppedError: with checkpoints, Ctrl-C or SIGTERM ended it.
        RunError: a checkpoint cannot be written, none is whole, or it is of another training.
    """
    given = settings or SearchSettings()
    settings = validated(type(given), given.model_dump() | _one_length(overrides), "search")
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    check_fabric(fabric)
    optimizer = optimizer_for(space_of(net), optimizer, settings, seed)
    check_samples(optimizer.samples, fabric.world_size)
    check_kinds(loss, limit, penalty)
    sampler = optimizer if limit is None else Limited(optimizer, limit)
    learner = sampler if penalty is None else Penalised(sampler, penalty)
    weight_batches, theta_batches = map(Stream, both_halves(data, settings.batch_size, seed))
    ranks = Ranks(fabric)
    per_epoch = len(weight_batches)
    step, weights, schedule = _set_up(net, loss, learner, settings, fabric, ranks, per_epoch)
    result = SearchResult(sampler.best(), optimizer, theta=[optimizer.theta_array])
    mean, watch = RunningMean(), Stopwatch()
    training = Resumable(
        checkpoints,
        {
            "settings": Unchanged("search", settings),
            "step": step,
            "net": net,
            "weights": weights,
            "schedule": schedule,
            "precision": fabric.strategy.precision,
            "optimizer": learner,
            "weight_batches": weight_batches,
            "theta_batches": theta_batches,
            "result": result,
            "mean": mean,
            "watch": watch,
        },
        ranks,
        alike={"theta": learner, "weights": net},
    )
    with without_running_statistics(net), training.stoppable() as stop:
        done = training.restore()
        if result.history:
            on_epoch(result)
        for moment, batch in course(weight_batches, settings, done):
            with enough_for_step("search", moment.step, batch, settings):
                record = step(fabric.to_device(batch), fabric.to_device(next(theta_batches)))
            mean.add(record.weights | {f"theta_{name}": x for name, x in record.theta.items()})
            progress = Progress(
                step=moment.step,
                epoch=moment.epoch,
                steps=moment.steps,
                measures=mean.values() | _rejections(sampler),
                convergence=optimizer.convergence,
                eta=optimizer.learning_rate,
                learning_rate=float(schedule.get_last_lr()[0]),
                seconds=watch.seconds(),
            )
            on_step(progress)
            schedule.step()
            if moment.ends_epoch:
                mean.clear()
                result.add_epoch(progress, sampler.best())
                on_epoch(result)
            training.after(moment.step, moment.steps, stop.is_set)
    return result


def _set_up(
    net: nn.Module,
    loss: Loss,
    optimizer: Optimizer,
    settings: SearchSettings,
    fabric: Fabric,
    ranks: Ranks,
    per_epoch: int,
) -> tuple[SearchStep, SGD, LambdaLR]:
    """The step on the devices of `fabric`; what updates the weights, and its learning rate."""
    sgd, schedule = sgd_with_cosine(net, settings, per_epoch)
    wrapped, weight_optimizer = fabric.setup(Candidates(net.train()), sgd)
    step = SearchStep(
        fabric,
        wrapped,
        loss,
        optimizer,
        weight_optimizer,
        clip=settings.clip,
        accumulate=settings.accumulate,
        resample=settings.resample,
        active=_active(net) if settings.mask_inactive else None,
        ranks=ranks,
    )
    return step, sgd, schedule


def _active(net: nn.Module) -> Active | None:
    return net.active if isinstance(net, MaskingSupernet) else None


def _one_length(overrides: dict[str, Any]) -> dict[str, Any]:
    """With either of `steps` and `epochs` the other is none, unless it is given too."""
    others = {"steps": "epochs", "epochs": "steps"}
    return {others[name]: None for name in others if name in overrides} | overrides


def _rejections(sampler: PDAS | Limited) -> dict[str, float]:
    """The share of draws that were over the limit since the start, if there is one."""
    if isinstance(sampler, Limited):
        return {"rejection_rate": sampler.rejection_rate}
    return {}
