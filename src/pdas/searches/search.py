"""The search, Algorithm 1: one training run of shared weights, then the best of what it proposes.

`search` is the public entry for a network and data of the user's own; the recipes go through
the same function. A search may begin with a warm-up (`theta_start`) and end with a comparison of
finalists (`finals`); `plan` says how many steps are left for the rest.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset

from pdas.distributed.devices import check_fabric, check_samples
from pdas.distributed.ranks import Ranks
from pdas.methods import PDAS, Limit, Limited, Penalised, Penalty
from pdas.methods.sampled import Active, SearchStep
from pdas.resume.batches import Loader, ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.resumable import FrozenSettings, Resumable
from pdas.searches.arguments import (
    both_halves,
    check_derive,
    check_executor,
    check_kinds,
    derive_of,
    optimizer_for,
    space_of,
)
from pdas.searches.finalists import Finalist, Finals, best_first, propose
from pdas.searches.plan import MOST_FINALISTS, Plan, plan_search
from pdas.searches.presets import settings_of
from pdas.searches.settings import SearchSettings
from pdas.searches.shared_weights import active_of, precision_of, shared_weights
from pdas.searches.theta_start import ThetaStart
from pdas.searches.trial import Derive, Trial
from pdas.space import Architecture
from pdas.support.arrays import FloatArray
from pdas.training.batch_norm import without_running_statistics
from pdas.training.measures import Loss, RunningMean
from pdas.training.memory import enough_for_step
from pdas.training.optimizers import Moment, Stopwatch, course

_log = logging.getLogger(__name__)

OnTrial = Callable[[Sequence[Finalist], int, int], None]
"""Told of the finalists, and how many of their trainings are done, of how many in all."""


@dataclass(frozen=True)
class Progress:
    """Where a search stands; handed to `on_step` after every step.

    `measures` are means over the epoch so far: "loss" and whatever else the loss measures, of the
    weight batches, and the same with the prefix "theta_" of the theta batches, once theta learns.
    With a limit there is "rejection_rate", the share of all draws so far that were over it.
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
        architecture: the most likely one, or with finalists the best of them.
        optimizer: the optimizer, with its distribution.
        history: a row of measures for each epoch.
        theta: the probabilities at the start and after each epoch, `(epochs + 1, D, K_max)`.
        seconds: time that the search took.
        finalists: what was compared at the end, the best first; empty if `settings.finalists` is 0.
    """

    architecture: Architecture
    optimizer: PDAS
    history: list[Progress] = field(default_factory=list)
    theta: list[FloatArray] = field(default_factory=list)
    seconds: float = 0.0
    finalists: list[Finalist] = field(default_factory=list)

    def add_epoch(self, progress: Progress, architecture: Architecture) -> None:
        """Take in where the search stands at the end of an epoch, and what it has found."""
        self.history.append(progress)
        self.theta.append(self.optimizer.theta_array)
        self.architecture = architecture
        self.seconds = progress.seconds

    def add_finalists(self, finalists: Sequence[Finalist], seconds: float) -> None:
        """Take in what was compared at the end, the best first."""
        self.finalists = list(finalists)
        self.architecture = self.finalists[0].architecture
        self.seconds = seconds

    def state_dict(self) -> dict[str, Any]:
        """All that the epochs gave but the optimizer, as plain data."""
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
    preset: str | None = None,
    settings: SearchSettings | None = None,
    optimizer: PDAS | None = None,
    limit: Limit | None = None,
    penalty: Penalty | None = None,
    fabric: Fabric | None = None,
    checkpoints: Checkpoints | None = None,
    derive: Derive | None = None,
    executor: Executor | None = None,
    seed: int = 0,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[SearchResult], None] = lambda result: None,
    on_trial: OnTrial = lambda finalists, done, total: None,
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
        preset: "default", also if none is given, which serves best at short lengths, or "paper",
            the paper's settings; `docs/method.md` compares them. Both choose a `learning_rate` that
            suits `weights`: 0.003 for AdamW, 0.025 for SGD. Without `derive` the default has no
            finalists.
        settings: all settings, in place of a preset; see `SearchSettings`. Single ones can be given
            by name, as `epochs=60`.
        optimizer: default `PDAS(net.space, seed=seed)` with the settings' `samples`, `theta_rate`
            and `eta_scale`; one that is given keeps its own.
        limit: no architecture above it is trained or found. One that is drawn is drawn again, which
            biases the update of theta; the measure "rejection_rate" says how large a share that is.
        penalty: added to the losses that theta learns from, and by which finalists are ranked; not
            to those of the weights.
        fabric: devices and precision; default one CPU or GPU as Lightning Fabric finds it. Several
            by `strategy=pdas.distributed.devices.Ddp()`, after `fabric.launch()`; each trains its
            share of the samples, and `on_step` and `on_epoch` are called on all.
        checkpoints: where the search is kept; it goes on from the newest one there, and at once
            ends if that is of the last step. Ctrl-C and SIGTERM end it after the step, or the
            training of a finalist, at hand with a `StoppedError`.
        derive: the network of an architecture with fresh weights, for finalists that are trained by
            themselves; default `net.derive`.
        executor: of `concurrent.futures`, where they are trained; default this process. The
            network, the loss and the data must pickle for other processes; threads of one process
            take turns.
        on_trial: called with the finalists, and how many of their trainings are done, of how many
            in all: before the first and after each.

    Returns:
        What was found, with the distribution, the history of the search and the finalists.

    Raises:
        SettingError: a setting is unknown or out of range, a batch larger than half the data,
            `net`, `loss`, `data` or `optimizer` is not as said above, or no architecture is within
            the limit.
        NotLearnedError: with a warm-up, never did 2 of 8 architectures become better than the best
            constant output, so that theta had nothing to learn from, and no finalist that was
            trained by itself did either.
        NonFiniteLossError: no architecture of a step had a finite loss.
        OutOfMemoryError: a step needs more memory than there is.
        RankError: of several ranks one ended, hung, or computes otherwise.
        StoppedError: with checkpoints, Ctrl-C or SIGTERM ended it.
        RunError: a checkpoint cannot be written, none is whole, or it is of another training.

    Example:
        net = pdas.nn.Supernet(module)  # a module with choices
        result = pdas.search(net, loss, data, epochs=60)
        network = net.derive(result.architecture)  # with fresh weights, to be trained
    """
    space = space_of(net)
    derive = derive_of(net, derive)
    if settings is None and isinstance(optimizer, PDAS):
        overrides = {"samples": optimizer.samples} | overrides
    settings = settings_of(settings, preset, overrides, derivable=derive is not None)
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    check_fabric(fabric)
    optimizer = optimizer_for(space, optimizer, settings, seed)
    check_samples("samples", optimizer.samples, fabric.world_size)
    check_kinds(loss, limit, penalty)
    check_executor(executor, fabric.world_size)
    sampler = optimizer if limit is None else Limited(optimizer, limit)
    learner = sampler if penalty is None else Penalised(sampler, penalty)
    loaders = both_halves(data, settings.batch_size, seed)
    per_epoch, theta_per_epoch = map(len, loaders)
    networks = math.prod(space.sizes.tolist())
    plan = plan_search(
        settings,
        optimizer.samples,
        per_epoch,
        theta_per_epoch,
        most_finalists=min(networks, MOST_FINALISTS),
    )
    check_samples("theta_samples", plan.theta_samples, fabric.world_size)
    ranks = Ranks(fabric)
    shared = shared_weights(
        net, loss, learner, settings, fabric, ranks, per_epoch, plan.steps, plan.theta_samples
    )
    weight_batches, theta_batches = map(ResumableBatches, loaders)
    trial = Trial(loss, *loaders, settings, seed, str(fabric.device), precision_of(fabric))
    check_derive(net, derive, settings.finalists_share, trial, sampler.best())
    parts = _Parts(
        fabric=fabric,
        settings=settings,
        plan=plan,
        sampler=sampler,
        active=active_of(net),
        penalty=penalty,
        step=shared.step,
        schedule=shared.schedule,
        weight_batches=weight_batches,
        theta_batches=theta_batches,
        start=ThetaStart(plan, shared.step, loss, sampler, theta_batches, fabric.to_device, ranks),
        finals=Finals(space, trial, plan.trial_passes, derive, ranks, executor, plan.trial_steps),
        result=SearchResult(sampler.best(), optimizer, theta=[optimizer.theta_array]),
    )
    training = Resumable(
        checkpoints,
        {
            "settings": FrozenSettings("search", settings),
            "net": net,
            "weights": shared.weights,
            "precision": fabric.strategy.precision,
            "optimizer": learner,
            **parts.components(),
        },
        ranks,
        must_match={"theta": learner, "weights": net},
    )
    with without_running_statistics(net), training.stoppable() as stop:
        done = training.restore()
        if parts.result.history:
            on_epoch(parts.result)
        for moment, batch in course(weight_batches, plan.steps, done):
            progress = parts.train(moment, batch)
            on_step(progress)
            if moment.ends_epoch:
                on_epoch(parts.end_epoch(progress))
            is_last = moment.step == moment.steps and not settings.finalists
            training.after(moment.step, is_last, stop.is_set)
        parts.start.end()
        # checkpoints count on: one when the finalists are chosen, then one for each training
        for number, left in enumerate(parts.compare(), start=max(done, plan.steps) + 1):
            on_trial(parts.finals.finalists, parts.finals.total - left, parts.finals.total)
            training.after(number, left == 0, stop.is_set)
    parts.end()
    return parts.result


@dataclass
class _Parts:
    """What a search is made of while it runs."""

    fabric: Fabric
    settings: SearchSettings
    plan: Plan
    sampler: PDAS | Limited
    active: Active | None
    penalty: Penalty | None
    step: SearchStep
    schedule: LambdaLR
    weight_batches: ResumableBatches
    theta_batches: ResumableBatches
    start: ThetaStart
    finals: Finals
    result: SearchResult
    mean: RunningMean = field(default_factory=RunningMean)
    theta_mean: RunningMean = field(default_factory=RunningMean)
    watch: Stopwatch = field(default_factory=Stopwatch)

    def components(self) -> dict[str, Any]:
        """Those that change, by their names in a checkpoint."""
        names = (
            "step",
            "schedule",
            "weight_batches",
            "theta_batches",
            "start",
            "finals",
            "result",
            "mean",
            "theta_mean",
            "watch",
        )
        return {name: getattr(self, name) for name in names}

    def train(self, moment: Moment, batch: Any) -> Progress:
        """One step of the shared weights and, after the warm-up, of theta."""
        with enough_for_step("search", moment.step, batch, self.settings):
            theta_batch = next(self.theta_batches) if self.start(moment.step) else None
            record = self.step(self.fabric.to_device(batch), self.fabric.to_device(theta_batch))
        self.mean.add(record.weights)
        if record.theta:
            self.theta_mean.add({f"theta_{name}": x for name, x in record.theta.items()})
        optimizer = self.result.optimizer
        learning_rate = float(self.schedule.get_last_lr()[0])
        self.schedule.step()
        return Progress(
            step=moment.step,
            epoch=moment.epoch,
            steps=moment.steps,
            measures=self.mean.values() | self.theta_mean.values() | _rejections(self.sampler),
            convergence=optimizer.convergence,
            eta=optimizer.eta,
            learning_rate=learning_rate,
            seconds=self.watch.seconds(),
        )

    def end_epoch(self, progress: Progress) -> SearchResult:
        """Take the progress into the result."""
        self.mean.clear()
        self.theta_mean.clear()
        self.result.add_epoch(progress, self.sampler.best())
        return self.result

    def compare(self) -> Iterator[int]:
        """Compare the finalists, with a pause before and after each training of one.

        Every pause tells how many trainings are left.
        """
        count = self.plan.finalists
        if not count:
            return
        if not self.finals.finalists:
            architectures = propose(self.sampler, count, self.active)
            if len(architectures) < count:
                _log.warning(
                    "search.finalists: found %d distinct networks of theta%s, expected %d%s; "
                    "these are compared",
                    len(architectures),
                    " within the limit" if isinstance(self.sampler, Limited) else "",
                    count,
                    "" if count == self.settings.finalists else ", which their share pays for",
                )
            self.finals.begin([*map(self._finalist, architectures, self._shared(architectures))])
            yield self.finals.left
        for _ in self.finals.run():
            yield self.finals.left

    def _shared(self, architectures: Sequence[Architecture]) -> Sequence[float | None]:
        """Their losses by the shared weights on the whole of D_theta, unless they are trained."""
        if self.plan.trial_passes and len(architectures) > 1:
            return [None] * len(architectures)
        batches = map(self.fabric.to_device, self.theta_batches.one_pass())
        return self.step.losses(architectures, batches)

    def _finalist(self, architecture: Architecture, shared_loss: float | None) -> Finalist:
        penalty = 0.0 if self.penalty is None else self.penalty(architecture)
        return Finalist(architecture, shared_loss, penalty=penalty)

    def end(self) -> None:
        """Take the best of the finalists as what was found, if there are any."""
        if self.finals.finalists:
            ranked = best_first(self.finals.finalists)
            if self.plan.trial_passes:
                self.start.check(ranked[0].loss)
            self.result.add_finalists(ranked, self.watch.seconds())


def _rejections(sampler: PDAS | Limited) -> dict[str, float]:
    """The share of draws that were over the limit since the start, if there is one."""
    if isinstance(sampler, Limited):
        return {"rejection_rate": sampler.rejection_rate}
    return {}
