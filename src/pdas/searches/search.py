"""A search: one training of shared weights, then the best of what its method proposes.

`search` is the public entry for a network and data of the user's own; recipes use the same
function. `plan` says how the length of a search is spent, `finals` compares finalists at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from pdas.distributed.devices import check_fabric, check_samples
from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks
from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.components import MethodSettings
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.optimizer import Optimizer
from pdas.methods.settings import SearchSettings
from pdas.resume.batches import Loader, ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.searches.arguments import (
    both_halves,
    check_derive,
    check_kinds,
    check_ranks,
    derive_of,
    most_networks,
    space_of,
)
from pdas.searches.finals import Finals, OnTrial
from pdas.searches.method import method_for, own_samples
from pdas.searches.plan import plan_search
from pdas.searches.presets import settings_of
from pdas.searches.result import SearchResult
from pdas.searches.trial import Derive, Trial
from pdas.training.batch_norm import without_running_statistics
from pdas.training.candidates import Candidates, active_of
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.loop import Loop, OnStep, Progress
from pdas.training.measures import Loss
from pdas.training.memory import enough_for_step
from pdas.training.steps import Step
from pdas.training.weights import WeightTraining


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


def run_search(
    net: nn.Module,
    loss: Loss,
    loaders: tuple[Loader, Loader],
    method: SearchMethod,
    settings: SearchSettings,
    fabric: Fabric,
    *,
    seed: int,
    penalty: Penalty | None = None,
    weights: MakeOptimizer | None = None,
    schedule: MakeSchedule | None = None,
    checkpoints: Checkpoints | None = None,
    derive: Derive | None = None,
    executor: Executor | None = None,
    on_step: OnStep = lambda progress: None,
    on_epoch: Callable[[SearchResult], None] = lambda result: None,
    on_trial: OnTrial = lambda finalists, done, total: None,
) -> SearchResult:
    """A search whose arguments are complete: `search` without its defaults.

    Args:
        loaders: batches of D_W and of D_theta.
        method: with limit and penalty in it.
        penalty: by which finalists are ranked.
        net, loss, settings, fabric, seed, weights, schedule, checkpoints, derive, executor:
            as of `search`, which also says what is raised.
        on_step, on_epoch, on_trial: as of `search`.
    """
    weight_batches, theta_batches = map(ResumableBatches, loaders)
    context = _context(net, loss, settings, fabric, loaders, theta_batches, weights, schedule)
    check_samples("theta_samples", context.plan.theta_samples, fabric.world_size)
    method.begin(context)
    trial = Trial.of_search(loss, loaders, settings, seed, fabric, weights, schedule)
    check_derive(net, derive, settings.finalists_share, trial, method.best())
    result = SearchResult(method.best(), method)
    result.add_theta()
    finals = Finals(context, method, trial, derive, executor, penalty, on_trial)
    loop = Loop(
        "search",
        settings,
        weight_batches,
        context.plan.steps,
        context.weights,
        context.ranks,
        checkpoints,
        components={
            "net": net,
            "method": method,
            "theta_batches": theta_batches,
            "finals": finals,
            "result": result,
        },
        must_match={"theta": method, "weights": net},
    )
    compared = finals if context.plan.finalists else None
    with without_running_statistics(net):
        _run(loop, context, method, compared, result, on_step, on_epoch)
    return result


def _context(
    net: nn.Module,
    loss: Loss,
    settings: SearchSettings,
    fabric: Fabric,
    loaders: tuple[Loader, Loader],
    theta_batches: ResumableBatches,
    make_optimizer: MakeOptimizer | None,
    make_schedule: MakeSchedule | None,
) -> SearchContext:
    """What the method is handed: the plan, and the network on the devices."""
    space = space_of(net)
    per_epoch, theta_per_epoch = map(len, loaders)
    plan = plan_search(settings, per_epoch, theta_per_epoch, most_networks(space))
    ranks = Ranks(fabric)
    candidates = Candidates(net)
    weights = None
    if settings.train_weights:
        weights = WeightTraining(
            candidates,
            settings,
            fabric,
            ranks,
            steps=plan.steps,
            per_epoch=per_epoch,
            make_optimizer=make_optimizer,
            make_schedule=make_schedule,
        )
    return SearchContext(
        space=space,
        supernet=net,
        network=fabric.setup_module(candidates.train()) if weights is None else weights.network,
        loss=loss,
        settings=settings,
        plan=plan,
        weights=weights,
        theta_batches=theta_batches,
        active=active_of(net),
        fabric=fabric,
        ranks=ranks,
    )


def _run(
    loop: Loop,
    context: SearchContext,
    method: SearchMethod,
    finals: Finals | None,
    result: SearchResult,
    on_step: OnStep,
    on_epoch: Callable[[SearchResult], None],
) -> None:
    """All steps, then the comparison of finalists if there are any."""

    def update(step: Step, batch: Any) -> Mapping[str, float]:
        with enough_for_step("search", step.step, batch, context.settings):
            theta_batch = next(context.theta_batches) if method.learns(step.step) else None
            to_device = context.fabric.to_device
            return method.step(to_device(batch), to_device(theta_batch))

    def end_epoch(history: Sequence[Progress]) -> None:
        result.add_epoch(history)
        on_epoch(result)

    def resumed(history: Sequence[Progress]) -> None:
        result.set_history(history)
        on_epoch(result)

    def compare() -> Iterator[bool]:
        method.after_steps()
        assert finals is not None
        yield from finals.run()

    loop.run(
        update,
        report=method.measures,
        on_step=on_step,
        on_epoch=end_epoch,
        on_resume=resumed,
        afterwards=None if finals is None else compare,
    )
    if finals is None:
        method.after_steps()
    else:
        result.add_finalists(finals.ranked(), loop.watch.seconds())
