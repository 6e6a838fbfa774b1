"""A search: one training of shared weights, then the best of what its method proposes.

`search` is the entry for a network and data of the user's own; it completes the arguments, and
`run_search`, which recipes use as well, does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from pdas.distributed.devices import check_fabric
from pdas.distributed.fabric import Fabric
from pdas.methods.base import SearchMethod
from pdas.methods.components import MethodSettings
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.optimizer import Optimizer
from pdas.methods.settings import SearchSettings
from pdas.resume.batches import Loader
from pdas.resume.checkpoint import Checkpoints
from pdas.searches.arguments import (
    both_halves,
    check_kinds,
    check_ranks,
    derive_of,
    refuse_twice,
    space_of,
)
from pdas.searches.finals import OnTrial
from pdas.searches.method import method_for, own_samples
from pdas.searches.presets import settings_of
from pdas.searches.result import SearchResult
from pdas.searches.run_search import run_search
from pdas.searches.trial import Derive
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.loop import OnStep
from pdas.training.measures import Loss


def search(
    net: nn.Module,
    loss: Loss,
    data: Dataset[Any] | tuple[Loader, Loader],
    *,
    method: str | Mapping[str, Any] | MethodSettings | Optimizer | SearchMethod | None = None,
    preset: str | None = None,
    settings: SearchSettings | None = None,
    limit: Limit | Sequence[Limit] | None = None,
    penalty: Penalty | None = None,
    weights: MakeOptimizer | None = None,
    schedule: MakeSchedule | str | Mapping[str, Any] | None = None,
    fabric: Fabric | None = None,
    checkpoints: Checkpoints | None = None,
    derive: Derive | None = None,
    executor: Executor | None = None,
    seed: int = 0,
    on_step: OnStep = lambda progress: None,
    on_epoch: Callable[[SearchResult], None] = lambda result: None,
    on_trial: OnTrial = lambda finalists, done, total: None,
    **overrides: Any,
) -> SearchResult:
    """Search an architecture for a network and data of one's own (Algorithm 1).

    Args:
        net: `pdas.nn.Supernet(module)`, or a module with `space` and `forward(x, architecture)`;
            `forward_many(x, architectures)`, where it exists, runs all architectures of a step at
            once, and `active(architecture)` tells which variables are in use. It is trained in
            place. Its batch norms use the statistics of the current batch and keep none.
        loss: `loss(model, batch)`, a scalar tensor, or a mapping with it as "loss" and with other
            measures to record; `model(...)` runs one architecture, with the inputs of the network
            but the last.
        data: a map-style data set, which is split into halves by `seed`; or the two halves, as two
            data sets, or as two iterables of batches with a length.
        method: how the search learns: the name of a method, as "pdas" (the default) or "random",
            or a mapping of its name and settings, as `{"name": "pdas", "eta_scale": 0.1}`; an
            optimizer with `ask`, `tell` and `best`, as `pdas.PDAS(net.space)`, which keeps its own
            number of `samples` if it has one; or a `pdas.SearchMethod`.
        preset: "default", which serves best at short lengths, or "paper", the paper's settings;
            `docs/method.md` compares them. Without `derive` the default has no finalists.
        settings: all settings, in place of a preset; see `SearchSettings`. Single ones can be given
            by name, as `epochs=60` or `optimizer={"learning_rate": 0.01}`.
        limit: no architecture above it is trained or found; several must all hold. One that is
            drawn is drawn again, which biases the update of theta; the measure "rejection_rate"
            says how large a share that is.
        penalty: added to the losses that theta learns from, and by which finalists are ranked; not
            to those of the weights.
        weights: makes the optimizer of the weights, as
            `lambda parameters: torch.optim.AdamW(parameters, 1e-3)`, in place of
            `settings.optimizer`.
        schedule: makes the schedule of its learning rate, `schedule(optimizer, steps)`, which is
            stepped after every step, in place of `settings.schedule`; or the name of one, or its
            settings.
        fabric: devices and precision; default one CPU or GPU as Lightning Fabric finds it. Several
            by `strategy=pdas.distributed.devices.Ddp()`, after `fabric.launch()`; each trains its
            share of the samples, and `on_step` and `on_epoch` are called on all.
        checkpoints: where the search is kept; it resumes from the newest one there, and ends at
            once if that is of the last step. Ctrl-C and SIGTERM end it after the current step, or
            training of a finalist, with a `StoppedError`.
        derive: the network of an architecture with fresh weights, for finalists that are trained by
            themselves; default `net.derive`.
        executor: of `concurrent.futures`, where they are trained; default this process. The
            network, the loss, the data, `weights` and `schedule` must pickle for other processes;
            threads of one process take turns.
        seed: of everything that is drawn but the weights.
        on_step: called with the `Progress` after every step.
        on_epoch: called with what the search found until now, after every epoch.
        on_trial: called with the finalists, and how many of their trainings are done, of how many
            in all: before the first and after each.

    Returns:
        What was found, with the method, the history of the search and the finalists.

    Raises:
        SettingError: a setting is unknown or out of range, a batch larger than half the data,
            an argument is not as said above, or no architecture is within the limit.
        NotLearnedError: with a warm-up, never did 2 of 8 architectures become better than the best
            constant output, so that theta had nothing to learn from, and no finalist that was
            trained by itself did either.
        NonFiniteLossError: no architecture of a step had a finite loss.
        OutOfMemoryError: a step needs more memory than there is.
        RankError: of several ranks one ended, hung, or computes something else.
        StoppedError: with checkpoints, Ctrl-C or SIGTERM ended it.
        RunError: a checkpoint cannot be written, none is whole, or it is of another training.

    Example:
        net = pdas.nn.Supernet(module)  # a module with choices
        result = pdas.search(net, loss, data, epochs=60)
        network = net.derive(result.architecture)  # with fresh weights, to be trained
    """
    space = space_of(net)
    derive = derive_of(net, derive)
    if schedule is not None and not callable(schedule):
        overrides["schedule"], schedule = schedule, None
    overrides |= own_samples(method)
    settings = settings_of(settings, preset, method, overrides, derivable=derive is not None)
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    check_fabric(fabric)
    refuse_twice(overrides, optimizer=weights, schedule=schedule)
    check_kinds(loss, limit, penalty, weights)
    chosen = method_for(space, method, settings, limit, penalty, seed)
    if not chosen.trains:
        return SearchResult(chosen.best(), chosen)
    check_ranks(settings, executor, fabric.world_size)
    return run_search(
        net,
        loss,
        both_halves(data, settings.batch_size, seed),
        chosen,
        settings,
        fabric,
        seed=seed,
        penalty=penalty,
        weights=weights,
        schedule=schedule,
        checkpoints=checkpoints,
        derive=derive,
        executor=executor,
        on_step=on_step,
        on_epoch=on_epoch,
        on_trial=on_trial,
    )
