"""Retraining: a derived network is trained from new weights on the whole training set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar

from torch import nn

from pdas.distributed.devices import check_fabric
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import parts_of
from pdas.distributed.ranks import Ranks
from pdas.resume.batches import Loader, ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.fingerprint import of_training
from pdas.resume.frozen import Frozen
from pdas.resume.resumable import Stateful
from pdas.resume.unsaved import Unsaved
from pdas.support.errors import NonFiniteLossError
from pdas.support.refusals import refuse
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.forecast import Forecast
from pdas.training.large.synchronised import synchronised
from pdas.training.loop import Loop, OnStep, Progress
from pdas.training.measures import Measures, RunningMean, all_numbers, detached, loss_of, numbers
from pdas.training.memory import enough_for_step
from pdas.training.settings import TrainingSettings
from pdas.training.steps import Step
from pdas.training.stopping import INTERRUPTED, MAX_MINUTES, Budget, Rule
from pdas.training.weights.training import WeightTraining

N = TypeVar("N", bound=nn.Module)

Validate: TypeAlias = Callable[[nn.Module, Ranks, int], Mapping[str, float]]
"""From the module as set up by Fabric, the ranks and the epoch to measures by name."""


class TrainingModule(nn.Module, Generic[N]):
    """A derived network in training, with its own loss.

    Args:
        network: the derived network.

    Attributes:
        network: the derived network.

    Example:
        class Regression(TrainingModule[nn.Module]):
            def forward(self, batch):
                x, y = batch
                return {"loss": (self.network(x) - y).square().mean()}
    """

    def __init__(self, network: N) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Any) -> Measures:
        """The measures of a batch; "loss" is a scalar tensor."""
        raise NotImplementedError

    def before_epoch(self, fraction: float) -> None:
        """Prepare for an epoch.

        Args:
            fraction: from 0 for the first epoch to 1 for the last.
        """

    def finished(self) -> N:
        """The network for use after the training."""
        return self.network


def retrain(
    module: TrainingModule[Any],
    batches: Loader,
    settings: TrainingSettings,
    fabric: Fabric,
    *,
    weights: MakeOptimizer | None = None,
    schedule: MakeSchedule | None = None,
    checkpoints: Checkpoints | None = None,
    components: Mapping[str, Stateful] = MappingProxyType({}),
    validate: Validate | None = None,
    on_step: OnStep = lambda progress: None,
    on_epoch: Callable[[Sequence[Progress]], None] = lambda history: None,
    rules: Mapping[str, Rule] = MappingProxyType({}),
    given: Mapping[str, Any] = MappingProxyType({}),
    returns_on_interrupt: bool = False,
    synchronises: bool = False,
) -> str | None:
    """Train a derived network in place, from the newest checkpoint if there is one.

    With several ranks, each takes its part of every batch; of a loader with
    `for_rank(index, count)`, which gives such parts, it reads no more than that. Batch norm then
    normalises each part by itself and keeps the mean of the statistics, unless it is synchronised.
    `on_step` and `on_epoch` are called on all ranks.

    Args:
        module: the network with its loss.
        batches: of the training set.
        settings: length, optimizer and schedule of the weights.
        fabric: devices and precision.
        weights: makes the optimizer, instead of the settings.
        schedule: makes the schedule, instead of the settings.
        checkpoints: where the state is kept.
        components: what else changes, by its name in a checkpoint.
        validate: called after the last update of every epoch; gives further measures of the epoch.
        on_step: called after every step. If it returns True, this step is the last one.
        on_epoch: called after every epoch, with the progress at the end of each one.
        rules: that end the training early, each by its reason; see `Loop.run`.
        given: what else must be the same when it is resumed, as plain values by name.
        returns_on_interrupt: whether Ctrl-C ends the training early, without an error.
        synchronises: whether batch norm normalises the batch of all ranks as one.

    Returns:
        Why it ended before its planned length: the name of a rule, "max_minutes", "on_step" or
        "interrupted"; None if it did not.

    Raises:
        NonFiniteLossError: the loss or its gradient is not finite.
        OutOfMemoryError: a step needs more memory than there is.
        StoppedError: Ctrl-C has ended the training, or with checkpoints SIGTERM.
        RankError: one of several ranks ended, does not answer, or has other results.
        RunError: a checkpoint cannot be written, all are damaged, or they are of another
            training.

    Example:
        retrain(Regression(network), batches, TrainingSettings(epochs=10), Fabric(devices=1))
    """
    check_fabric(fabric)
    ranks = Ranks(fabric)
    frozen = Frozen("retrain", settings, {"device.sync_batch_norm": synchronises, **given})
    if checkpoints is not None or ranks.size > 1:
        frozen.add(of_training("network", module.network, (batches,), fabric))
    frozen.check_ranks(ranks)
    own = _Own(batches, ranks)
    passes = ResumableBatches(own.batches)
    steps = settings.total_steps(len(passes))
    training = WeightTraining(
        module,
        settings,
        fabric,
        ranks,
        steps=steps,
        per_epoch=len(passes),
        make_optimizer=weights,
        make_schedule=schedule,
    )
    frozen.add(training.given)
    loop = Loop(
        "retrain",
        frozen,
        passes,
        steps,
        training,
        ranks,
        checkpoints,
        components={"network": module, "unsaved": Unsaved(module), **components},
        must_match={"weights": module},
        forecast=Forecast(steps, most_seconds=60 * (settings.max_minutes or math.inf)),
    )
    update = _Update(module, training, settings, fabric, ranks, validate, own.part)
    all_rules: dict[str, Rule] = {MAX_MINUTES: Budget("retrain", settings, ranks), **rules}
    with (
        loop.interruptible(returns_on_interrupt, on_epoch),
        synchronised(module, ranks) if synchronises else nullcontext(),
    ):
        loop.run(update, on_step=on_step, on_epoch=on_epoch, on_resume=on_epoch, rules=all_rules)
    return INTERRUPTED if loop.was_interrupted else loop.early.reason


class _Own:
    """The part of each batch that a rank trains on, read by itself where the loader can do so."""

    def __init__(self, batches: Loader, ranks: Ranks) -> None:
        divides = ranks.size > 1 and hasattr(batches, "for_rank")
        self.batches: Loader = batches
        self.part: Callable[[Any], Any] = ranks.part
        if divides:
            self.batches = batches.for_rank(ranks.index, ranks.size)  # type: ignore[attr-defined]
            self.part = _as_it_is


def _as_it_is(batch: Any) -> Any:
    return batch


class _Update:
    """One update of the weights, to which each rank contributes its part of the batch."""

    def __init__(
        self,
        module: TrainingModule[Any],
        weights: WeightTraining,
        settings: TrainingSettings,
        fabric: Fabric,
        ranks: Ranks,
        validate: Validate | None,
        part: Callable[[Any], Any],
    ) -> None:
        self._module = module
        self._weights = weights
        self._settings = settings
        self._fabric = fabric
        self._ranks = ranks
        self._validate = validate
        self._part = part
        self._is_prepared = False

    def __call__(self, step: Step, batch: Any) -> dict[str, float]:
        """The measures of the batch before the update, and of the validation after it."""
        # A checkpoint does not hold what this prepares, so a resumed training prepares it again.
        if step.starts_epoch or not self._is_prepared:
            self._module.before_epoch(step.fraction)
            self._is_prepared = True
        own = self._part(batch)
        with enough_for_step("retrain", step.step, own, self._settings):
            measures = self._update(self._fabric.to_device(own), step.step)
        if self._validate is None or not step.ends_epoch:
            return measures
        return measures | dict(self._validate(self._weights.network, self._ranks, step.epoch))

    def _update(self, batch: Any, step: int) -> dict[str, float]:
        self._weights.clear()
        parts = parts_of(batch, self._settings.accumulate, "retrain.accumulate")
        own = []
        for part in parts:
            with self._ranks.own_random():
                measures = self._weights.network(part)
            # Gradients of parts and of ranks are added up, so this makes their mean.
            self._fabric.backward(loss_of(measures) / (self._ranks.size * len(parts)))
            own.append(detached(measures))
        if self._ranks.size == 1:
            gradient = self._weights.gradient()
            *found, norm = all_numbers([*own, gradient.norm])  # all that the host waits for
        else:  # one message with all numbers, then one sum
            found, used = self._ranks.gather_with(all_numbers(own), self._weights.used)
            buffers = [b for b in self._weights.network.buffers() if b.is_floating_point()]
            gradient = self._weights.gradient(used, buffers)
            norm = numbers(gradient.norm)
        mean = RunningMean()
        for each in found:
            mean.add(each)
        _check_finite(mean.values()["loss"], step)
        gradient.step(norm)
        return mean.values()


def _check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        refuse(
            NonFiniteLossError,
            "training loss",
            found=f"{loss} in step {step}",
            expected="a finite one",
            remedy="lower retrain.optimizer.learning_rate",
        )
