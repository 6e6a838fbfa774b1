"""A search: one training of shared weights, then the best of what its method proposes.

`search` is the entry for the user's own network and data. It completes the arguments. `run_search`,
which recipes use too, does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from os import PathLike
from typing import Any

from torch import nn

from pdas.distributed.devices import check_fabric
from pdas.distributed.fabric import Fabric
from pdas.methods.base import SearchMethod
from pdas.methods.components import MethodSettings
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.optimizer import Optimizer
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.trial import Derive
from pdas.nn.lazy import refuse_lazy
from pdas.resume.checkpoint import Checkpoints, checkpoints_at
from pdas.resume.data_sets import Data, DataSet
from pdas.searches.arguments import check_kinds, check_ranks, derive_of, space_of
from pdas.searches.comparison import OnTrial
from pdas.searches.halves import both_halves
from pdas.searches.method import is_named, method_for, own_samples, proposes
from pdas.searches.own_run import own_run
from pdas.searches.presets import settings_of
from pdas.searches.result import SearchResult
from pdas.searches.run_search import run_search
from pdas.searches.trials_left import showing_trials
from pdas.training.components import MakeOptimizer, MakeSchedule, refuse_twice
from pdas.training.display import displayed, showing
from pdas.training.loop import OnStep
from pdas.training.measures import Loss


def search(
    net: nn.Module,
    loss: Loss,
    data: DataSet | tuple[Data, Data],
    *,
    method: str | Mapping[str, Any] | MethodSettings | Optimizer | SearchMethod | None = None,
    preset: str | None = None,
    settings: SearchSettings | None = None,
    limit: Limit | Sequence[Limit] | None = None,
    penalty: Penalty | None = None,
    weights: MakeOptimizer | None = None,
    schedule: MakeSchedule | str | Mapping[str, Any] | None = None,
    fabric: Fabric | None = None,
    checkpoints: Checkpoints | str | PathLike[str] | None = None,
    derive: Derive | None = None,
    executor: Executor | None = None,
    out: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: bool = True,
    on_step: OnStep = lambda progress: None,
    on_epoch: Callable[[SearchResult], None] = lambda result: None,
    on_trial: OnTrial = lambda finalists, done, total: None,
    **overrides: Any,
) -> SearchResult:
    """Search an architecture for your own network and data (Algorithm 1).

    Args:
        net: `pdas.nn.Supernet(module)`, or a module with `space` and `forward(x, architecture)`.
            It may have `forward_many(x, architectures)`, which runs all architectures of a step at
            once, and `active(architecture)`, the variables that are in use. It is trained in
            place. Its batch norms use the statistics of the current batch and keep none.
        loss: `loss(model, batch)` returns a scalar tensor, or a mapping of "loss" and of other
            measures for the history. `model(...)` runs one architecture; its inputs are those of
            the network without the last.
        data: a map-style data set, which is split into halves by `seed`; or a tuple of the two
            halves. What has `__getitem__` and `__len__` is a data set, as one of torch or of
            Hugging Face, or a list of examples. As a half it is shuffled and made into batches; so
            is an `IterableDataset` with a length, in its own order. What else can be iterated and
            has a length, as a `DataLoader`, has batches, which are used unchanged.
        method: how the search learns. It is the name of a method, as "pdas" (the default) or
            "random"; a mapping of its name and settings, as `{"name": "pdas", "eta_scale": 0.1}`;
            an optimizer with `ask`, `tell` and `best`, as `pdas.PDAS(net.space)`, whose `samples`
            is used if it has one; or a `pdas.SearchMethod`.
        preset: "default", which is best for short searches, or "paper", the paper's settings.
            `docs/method.md` compares them. Without `derive` the default has no finalists.
        settings: all settings, instead of a preset; see `SearchSettings`.
        limit: no architecture above it is trained or found. Several limits must all hold. A draw
            above the limit is repeated, which biases the update of theta. The measure
            "rejection_rate" is the share of these draws.
        penalty: added to the losses from which theta learns and by which finalists are ranked, but
            not to those of the weights.
        weights: makes the optimizer of the weights, as
            `lambda parameters: torch.optim.AdamW(parameters, 1e-3)`, instead of
            `settings.optimizer`.
        schedule: makes the schedule of its learning rate, `schedule(optimizer, steps)`, instead of
            `settings.schedule`. It is stepped after every step. It may also be the name of a
            schedule, or its settings.
        fabric: devices and precision; by default one CPU or GPU, as Lightning Fabric finds it. For
            several devices use `strategy=pdas.distributed.devices.Ddp()` and call
            `fabric.launch()` first. Then each trains its share of the samples, and `on_step` and
            `on_epoch` are called on all.
        checkpoints: the directory where the search is kept, or `Checkpoints`. It resumes from the
            newest there, and ends at once if that is of the last step. SIGTERM ends it after the
            current step or training of a finalist, with a `StoppedError`.
        derive: makes the network of an architecture with new weights, for the separate training of
            finalists; by default `net.derive`.
        executor: of `concurrent.futures`, where finalists are trained, and the networks of a method
            that trains them one by one; by default this process. For other processes the network,
            the loss, the data, `weights` and `schedule` must pickle. Threads of one process train
            one after the other.
        out: a new run directory, for the files of a recipe's search and `modules.json`. They are
            written after every epoch, and `pdas report` makes a page of them. With `checkpoints` it
            may be that of the search that is resumed.
        seed: of all that is drawn, except the weights.
        progress: whether to show a bar with the time left, on standard error. There is none where
            that is neither a terminal nor a notebook.
        on_step: called with the `Progress` after every step. If it returns True, the search ends
            after this step, as with `max_minutes`, `patience` and `stop_when_decided` of
            `SearchSettings`; see `docs/runs.md`.
        on_epoch: called with the current result after every epoch.
        on_trial: called with the finalists, the number of their trainings that are done, and that
            of all, before the first training and after each.
        overrides: single settings by name, as `epochs=60` or `optimizer={"learning_rate": 0.01}`.

    Returns:
        The architecture, with the method, the history of the search and the finalists. The first
        Ctrl-C ends the search after the current step or training of a finalist with what was found
        until then; `stopped` of the result says why a search ended early. With checkpoints the same
        call continues it.

    Raises:
        SettingError: a setting is unknown or out of range, an argument does not fit, a batch is
            larger than half the data, or no architecture is within the limit.
        NotLearnedError: after a warm-up, fewer than 2 of 8 architectures were ever better than the
            best constant output, and no finalist was, so theta had nothing to learn from.
        NonFiniteLossError: no architecture of a step had a finite loss.
        OutOfMemoryError: a step needs more memory than there is.
        RankError: one of several ranks ended, does not answer, or has other results.
        StoppedError: there are checkpoints, and SIGTERM has ended the search.
        RunError: a checkpoint or a file of `out` cannot be written, `out` is taken, or all
            checkpoints are damaged or are of another training.

    Example:
        net = pdas.nn.Supernet(module)  # a module with choices
        result = pdas.search(net, loss, data, epochs=60)
        network = net.derive(result.architecture)  # with new weights, to be trained
    """
    space = space_of(net)
    refuse_lazy(net, "search")
    derive = derive_of(net, derive)
    if schedule is not None and not callable(schedule):
        overrides["schedule"], schedule = schedule, None
    overrides |= own_samples(method)
    has_finalists = derive is not None and proposes(method)
    settings = settings_of(settings, preset, method, overrides, derivable=has_finalists)
    fabric = fabric or Fabric(accelerator="auto", devices=1)
    check_fabric(fabric)
    refuse_twice(overrides, optimizer=weights, schedule=schedule)
    check_kinds(loss, limit, penalty, weights)
    named = method is None or is_named(method)
    searched = settings.method.network(net) if named else net
    chosen = method_for(space, method, settings, limit, penalty, seed)
    check_ranks(settings, executor, fabric.world_size)
    writes, continues = fabric.is_global_zero, checkpoints is not None
    with own_run(out, net, method, settings, seed, writes=writes, continues=continues) as run:
        if not chosen.trains:
            return run.finished(SearchResult(chosen.best(), chosen))
        loaders = both_halves(data, settings.batch_size, seed, fabric.device)
        with displayed("search", progress) as show:
            result = run_search(
                searched,
                loss,
                loaders,
                chosen,
                settings,
                fabric,
                seed=seed,
                penalty=penalty,
                weights=weights,
                schedule=schedule,
                checkpoints=checkpoints_at(checkpoints),
                derive=derive,
                executor=executor,
                on_step=run.steps(showing(show, on_step)),
                on_epoch=run.epochs(on_epoch),
                on_trial=run.trials(showing_trials(show, on_trial)),
                returns_on_interrupt=True,
                looks=out is not None,
            )
        return run.finished(result)
