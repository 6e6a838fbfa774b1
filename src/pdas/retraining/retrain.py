"""`pdas.retrain`: a network of one's own is trained, validated, and left with its best weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import torch
from torch import nn

from pdas.distributed.exchange.messages import wait_for_all
from pdas.distributed.fabric import Fabric
from pdas.distributed.micro_batches import check_equal_parts
from pdas.kernels import choose_kernels
from pdas.resume.batches import Loader
from pdas.resume.checkpoint import Checkpoints, checkpoints_at
from pdas.resume.data_sets import (
    Data,
    checked_loader,
    data_set,
    ordered_batches,
    shuffled_batches,
)
from pdas.resume.fingerprint import of_function, of_loader
from pdas.retraining.own_run import own_training_run
from pdas.retraining.result import RetrainingResult
from pdas.retraining.settings import NetworkTrainingSettings
from pdas.retraining.validation import LOSS, Validation
from pdas.space import SearchSpace
from pdas.support.errors import NonFiniteLossError, SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import validated
from pdas.training.components import MakeOptimizer, MakeSchedule, refuse_twice
from pdas.training.display import displayed, showing
from pdas.training.loop import OnStep, Progress
from pdas.training.measures import Loss, Measures, as_measures, check_loss
from pdas.training.own_batch import OwnBatch
from pdas.training.retrain import TrainingModule
from pdas.training.retrain import retrain as train_module
from pdas.training.settings import one_length
from pdas.training.stopping import PATIENCE, Rule, no_improvement


def retrain(
    network: nn.Module,
    loss: Loss,
    train: Data,
    validation: Data | None = None,
    *,
    weights: MakeOptimizer | None = None,
    schedule: MakeSchedule | str | Mapping[str, Any] | None = None,
    fabric: Fabric | None = None,
    checkpoints: Checkpoints | str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: bool = True,
    on_step: OnStep = lambda progress: None,
    on_epoch: Callable[[RetrainingResult], None] = lambda result: None,
    **settings: Any,
) -> RetrainingResult:
    """Train a network in place, and leave it with its best weights.

    The network may be any module, as that of `net.derive(result.architecture)`. After every epoch
    it is measured on the validation set: in evaluation mode, without gradient, by the mean over
    the batches, weighted by their sizes. At the end it has the weights with the least validation
    loss; without a validation set, or if it ended within the first epoch, those of the last step.
    It is then in evaluation mode, on the device of its training.

    Args:
        network: starts from the weights that it has.
        loss: as of `pdas.search`: `loss(model, batch)` returns a scalar tensor, or a mapping of
            "loss" and of other measures.
        train: a half of the data of `pdas.search`: a data set, which is shuffled in every epoch, or
            batches with a length, which are used unchanged.
        validation: the same; a data set is used in its own order.
        weights: makes the optimizer, as `lambda parameters: torch.optim.AdamW(parameters, 1e-3)`,
            instead of the setting `optimizer`.
        schedule: as of `pdas.search`.
        fabric: devices and precision; by default one CPU or GPU. With several, each takes its part
            of every batch.
        checkpoints: the directory where the training is kept, or `Checkpoints`. It resumes from
            the newest there, and ends at once if that is of the last step.
        out: a new directory in that of a search, as "runs/mine/retrain-0", for the settings, the
            measures after every epoch, the weights and the result, which the report shows. With
            `checkpoints` it may be that of the training that is resumed.
        seed: of the order of the batches.
        progress: whether to show a bar, as of `pdas.search`.
        on_step: called with the `Progress` after every step. If it returns True, the training ends.
        on_epoch: called with the current result after every epoch.
        settings: by name, as of `pdas.search`: `epochs` (200) or `steps`, `batch_size` (64),
            `optimizer` ("adamw"), `clip` (5), `accumulate`, `max_minutes`; and `patience`, which
            ends the training after so many epochs without a smaller validation loss.

    Returns:
        The history, the best epoch, and why the training ended early if it did. Ctrl-C ends it
        early, too.

    Raises:
        SettingError: a setting is unknown or out of range, or an argument does not fit.
        NonFiniteLossError: a training loss is not finite, or the validation loss never is.
        OutOfMemoryError: a step needs more memory than there is.
        RankError: one of several ranks ended, does not answer, or has other results.
        StoppedError: there are checkpoints, and SIGTERM has ended the training.
        RunError: a checkpoint or a file of `out` cannot be written, `out` is taken, or all
            checkpoints are damaged or are of another training.

    Example:
        network = net.derive(result.architecture)
        pdas.retrain(network, loss, train, validation, epochs=100, patience=10)
        network(x)
    """
    if schedule is not None and not callable(schedule):
        settings["schedule"], schedule = schedule, None
    refuse_twice(settings, optimizer=weights, schedule=schedule)
    check_loss(loss)
    _check_network(network)
    own = validated(NetworkTrainingSettings, one_length(settings), "retrain")
    _check_patience(own, validation)
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    choose_kernels(network, "auto", fabric.device)
    wait_for_all(fabric, patiently=True)  # one machine may compile what another has
    batches = _training_batches(train, own, fabric, seed)
    validated_on = measured = None
    if validation is not None:
        validated_on = _validation_batches(validation, own.batch_size, fabric)
        measured = Validation(network, validated_on, fabric)
    kept = checkpoints_at(checkpoints)
    writes, continues = fabric.is_global_zero, kept is not None
    with own_training_run(out, network, own, seed, writes=writes, continues=continues) as run:
        current = _Current(RetrainingResult(), measured, run.epochs(on_epoch))
        with displayed("retrain", progress) as show:
            current.result.stopped = train_module(
                _OwnTraining(network, loss),
                batches,
                own,
                fabric,
                weights=weights,
                schedule=schedule,
                checkpoints=kept,
                validate=measured,
                components={} if measured is None else {"best": measured.best},
                on_step=run.steps(showing(show, on_step)),
                on_epoch=current,
                rules=_rules(own),
                given=_given(loss, seed, validated_on, kept is not None or fabric.world_size > 1),
                returns_on_interrupt=True,
            )
        current.finish()
        network.eval()
        run.finished(current.result, network, seed)
    return current.result


class _OwnTraining(TrainingModule[nn.Module]):
    """A network with a loss of the user."""

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        super().__init__(network)
        self._loss = OwnBatch(loss)

    def forward(self, batch: Any) -> Measures:
        return as_measures(self._loss(self.network, batch))


@dataclass(frozen=True)
class _Current:
    """Completes a result with every epoch, and shows it to the user."""

    result: RetrainingResult
    validation: Validation | None
    on_epoch: Callable[[RetrainingResult], None]

    def __call__(self, history: Sequence[Progress]) -> None:
        best = None if self.validation is None else self.validation.best.epoch
        self.result.history = list(history)
        self.result.best_epoch = best or len(history)
        self.result.seconds = history[-1].seconds
        self.on_epoch(self.result)

    def finish(self) -> None:
        """Give the network its best weights.

        Raises:
            NonFiniteLossError: it was validated, and its loss was never finite.
        """
        if self.validation is None:
            return
        losses = [each.measures[LOSS] for each in self.result.history if LOSS in each.measures]
        if losses and self.validation.best.epoch is None:
            refuse(
                NonFiniteLossError,
                "validation loss",
                found=f"{losses[-1]} after each of {len(losses)} epochs",
                expected="a finite one",
                remedy="look for values that are not finite in the validation set",
            )
        self.validation.best.restore()


def _given(
    loss: Loss,
    seed: int,
    validation: Loader | None,
    compared: bool,
) -> dict[str, object]:
    """What a resumed training, and every rank, must have the same, beside what any must."""
    name, code = of_function(loss)
    given: dict[str, object] = {"seed": seed, "loss": name, "code of loss": code}
    if compared:
        given["validation"] = None if validation is None else of_loader(validation)
    return given


def _rules(settings: NetworkTrainingSettings) -> dict[str, Rule]:
    if settings.patience is None:
        return {}
    return {PATIENCE: no_improvement(LOSS, settings.patience)}


def _check_network(network: object) -> None:
    expected = "a module with weights, as net.derive(result.architecture)"
    if not isinstance(network, nn.Module):
        refuse(SettingError, "network", found=type(network).__name__, expected=expected)
    if isinstance(getattr(network, "space", None), SearchSpace):
        found = f"{type(network).__name__}, whose architecture is not chosen yet"
        refuse(SettingError, "network", found=found, expected=expected)
    if not any(weight.requires_grad for weight in network.parameters()):
        found = f"{type(network).__name__} without weights that can be trained"
        refuse(SettingError, "network", found=found, expected=expected)


def _check_patience(settings: NetworkTrainingSettings, validation: Data | None) -> None:
    if settings.patience is not None and validation is None:
        refuse(
            SettingError,
            "retrain.patience",
            found=f"{settings.patience} without a validation set",
            expected="a validation set, whose loss is watched",
            remedy="pass validation=, or leave it out",
        )


def _training_batches(
    data: Data, settings: NetworkTrainingSettings, fabric: Fabric, seed: int
) -> Loader:
    examples = data_set(data, "train")
    if examples is None:
        return checked_loader(data, "train")
    size = settings.batch_size
    check_equal_parts("retrain", size, ranks=fabric.world_size, accumulate=settings.accumulate)
    if size > len(examples):
        refuse(
            SettingError,
            "retrain.batch_size",
            found=str(size),
            expected=f"1 to {len(examples)}, the number of training examples",
            remedy=f"set batch_size={len(examples)}",
        )
    return shuffled_batches(examples, size, torch.Generator().manual_seed(seed), fabric.device)


def _validation_batches(data: Data, batch_size: int, fabric: Fabric) -> Loader:
    examples = data_set(data, "validation")
    if examples is None:
        return checked_loader(data, "validation")
    return ordered_batches(examples, batch_size, fabric.device)
