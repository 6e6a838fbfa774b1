"""A search with complete arguments: the steps of its method, then the finalists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from torch import nn

from pdas.distributed.devices import check_samples
from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks
from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.settings import SearchSettings
from pdas.resume.batches import Loader, ResumableBatches
from pdas.resume.checkpoint import Checkpoints
from pdas.searches.arguments import check_derive, most_networks, space_of
from pdas.searches.comparison import FinalistComparison, OnTrial
from pdas.searches.planning import plan_search
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
    """Search with complete arguments: `pdas.search` without its defaults.

    Args:
        net: see `pdas.search`, as for all arguments that are not described here.
        loss: see `pdas.search`.
        loaders: batches of D_W and of D_theta.
        method: contains the limit and the penalty.
        settings: all of them.
        fabric: devices and precision.
        seed: of the trainings of finalists.
        penalty: added to the losses by which finalists are ranked.
        weights: makes the optimizer of the weights, instead of the settings.
        schedule: makes their schedule, instead of the settings.
        checkpoints: where the search is kept.
        derive: makes the network of a finalist.
        executor: where finalists are trained.
        on_step: called after every step.
        on_epoch: called after every epoch.
        on_trial: called before the first training of a finalist and after each.

    Returns:
        The result, with the method, the history and the finalists.

    Raises:
        PdasError: one of those of `pdas.search`.
        StoppedError: there are checkpoints, and Ctrl-C or SIGTERM has ended the search.
    """
    weight_batches, theta_batches = map(ResumableBatches, loaders)
    context = _context(net, loss, settings, fabric, loaders, theta_batches, weights, schedule)
    check_samples("theta_samples", context.plan.theta_samples, fabric.world_size)
    method.begin(context)
    trial = Trial.of_search(loss, loaders, settings, seed, fabric, weights, schedule)
    # Now, since a mistake here would otherwise appear only after all steps.
    check_derive(net, derive, settings.finalists_share, trial, method.best())
    result = SearchResult(method.best(), method)
    result.add_theta()
    finals = FinalistComparison(context, method, trial, derive, executor, penalty, on_trial)
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
        must_match={"theta": method.must_match, "weights": net},
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
    """What the method receives: the plan, and the network on the devices."""
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
    finals: FinalistComparison | None,
    result: SearchResult,
    on_step: OnStep,
    on_epoch: Callable[[SearchResult], None],
) -> None:
    """All steps, then the comparison of finalists if there are any."""

    def update(step: Step, batch: Any) -> Mapping[str, float]:
        with enough_for_step("search", step.step, batch, context.settings):
            # `learns` may draw batches of its own, so it comes before the batch of the step.
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
