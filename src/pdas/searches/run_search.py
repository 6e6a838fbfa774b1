"""A search with complete arguments: the steps of its method, then the finalists."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import nn

from pdas.distributed.devices import check_norms, check_samples
from pdas.distributed.exchange.messages import wait_for_all
from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks
from pdas.kernels.choice import Setting, choose_kernels
from pdas.methods.base import SearchContext, SearchMethod
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.planning.search_plan import cost_after, plan_after, share_of_steps
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.trial import Derive, Trial
from pdas.nn.protocols import check_shares_weights
from pdas.resume.batches import Loader, ResumableBatches, in_shares
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.frozen import Frozen
from pdas.resume.unsaved import Unsaved
from pdas.searches.arguments import (
    check_decided,
    check_derive,
    given_to,
    make_plan,
    space_of,
)
from pdas.searches.comparison import FinalistComparison, OnTrial
from pdas.searches.looks.look import last_look
from pdas.searches.result import SearchResult
from pdas.space.decided import NOTHING_LEARNED
from pdas.support.errors import NotLearnedError
from pdas.training.batch_norm import without_running_statistics
from pdas.training.candidates import Candidates, active_of
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.forecast import Forecast
from pdas.training.loop import Loop, OnStep, Progress
from pdas.training.measures import Loss
from pdas.training.memory import enough_for_step
from pdas.training.own_batch import OwnBatch
from pdas.training.steps import Step
from pdas.training.stopping import (
    DECIDED,
    INTERRUPTED,
    MAX_MINUTES,
    PATIENCE,
    STOP_WHEN_DECIDED,
    Budget,
    Rule,
    at_least,
    no_improvement,
)
from pdas.training.weights.training import WeightTraining

_log = logging.getLogger(__name__)


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
    returns_on_interrupt: bool = False,
    looks: bool = False,
    kernels: Setting = "auto",
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
        executor: where finalists and single networks are trained.
        on_step: called after every step. If it returns True, this step is the last one.
        on_epoch: called after every epoch.
        on_trial: called before the first training of a finalist and after each.
        returns_on_interrupt: whether Ctrl-C gives the result found until then, not an error.
        looks: whether a last look measures what the warnings of a run are drawn from.
        kernels: whether blocks that have compiled operators may use them.

    Returns:
        The result, with the method, the history and the finalists.

    Raises:
        PdasError: one of those of `pdas.search`.
        StoppedError: Ctrl-C has ended the search, or with checkpoints SIGTERM.
    """
    check_norms(net, fabric.world_size)
    frozen = Frozen("search", settings, {"seed": seed})
    if checkpoints is not None or fabric.world_size > 1:
        trained = derive if _derives(settings, method) else None
        frozen.add(given_to(net, loss, loaders, method, fabric, trained))
    frozen.check_ranks(Ranks(fabric))
    choose_kernels(net, kernels, fabric.device)
    wait_for_all(fabric, patiently=True)  # one machine may compile what another has
    trial = Trial.of_search(
        OwnBatch(loss), loaders, settings, seed, fabric, weights, schedule, kernels
    )
    context = _context(net, trial, method, fabric, derive, executor)
    check_samples("theta_samples", context.plan.theta_samples, fabric.world_size)
    method.begin(context)
    check_decided(settings, method)
    frozen.add({} if context.weights is None else context.weights.given)
    if _derives(settings, method):
        # Now, since a mistake here would otherwise appear only after all steps.
        check_derive(net, derive, settings.finalists_share, trial, method.best())
    result = SearchResult(method.best(), method)
    result.add_theta()
    finals = FinalistComparison(context, method, trial, derive, executor, penalty, on_trial)
    loop = _loop(context, method, finals, result, frozen, checkpoints)
    run = _Run(loop, context, method, finals, result, on_step, on_epoch)
    try:
        with without_running_statistics(net):
            run(returns_on_interrupt)
            if looks and result.stopped != INTERRUPTED:
                result.look = last_look(result, context, loaders, penalty)
    finally:
        method.close()
    return result


def _derives(settings: SearchSettings, method: SearchMethod) -> bool:
    """Whether networks are trained by themselves, by the method or as finalists."""
    return settings.finalists_share > 0 or not method.trains_weights


def _context(
    net: nn.Module,
    trial: Trial,
    method: SearchMethod,
    fabric: Fabric,
    derive: Derive | None,
    executor: Executor | None,
) -> SearchContext:
    """What the method receives: the plan, and the network on the devices."""
    space, settings = space_of(net), trial.settings
    if method.trains_weights:
        check_shares_weights(net)
    plan = make_plan(method, net, trial.loss, settings, (trial.batches, trial.theta_batches))
    ranks = Ranks(fabric)
    candidates = Candidates(net)
    weights = None
    if settings.train_weights and method.trains_weights:
        weights = _weights(candidates, trial, plan.steps, fabric, ranks)
    return SearchContext(
        space=space,
        supernet=net,
        network=fabric.setup_module(candidates.train()) if weights is None else weights.network,
        loss=trial.loss,
        settings=settings,
        plan=plan,
        weights=weights,
        # Finalists read by themselves, from `trial`: there ranks do not take the same batches.
        theta_batches=ResumableBatches(in_shares(trial.theta_batches, ranks)),
        active=active_of(net),
        fabric=fabric,
        ranks=ranks,
        trial=trial,
        derive=derive,
        executor=executor,
    )


def _weights(
    candidates: Candidates, trial: Trial, steps: int, fabric: Fabric, ranks: Ranks
) -> WeightTraining:
    return WeightTraining(
        candidates,
        trial.settings,
        fabric,
        ranks,
        steps=steps,
        per_epoch=len(trial.batches),
        make_optimizer=trial.make_optimizer,
        make_schedule=trial.make_schedule,
    )


def _loop(
    context: SearchContext,
    method: SearchMethod,
    finals: FinalistComparison,
    result: SearchResult,
    frozen: Frozen,
    checkpoints: Checkpoints | None,
) -> Loop:
    """The loop of the steps, and all that its checkpoints hold."""
    net, trains = context.supernet, method.trains_weights
    steps_alone = [None] * context.settings.samples  # of a method that needs no batches
    batches = in_shares(context.trial.batches, context.ranks) if trains else steps_alone
    return Loop(
        "search",
        frozen,
        ResumableBatches(batches),
        context.plan.steps,
        context.weights,
        context.ranks,
        checkpoints,
        components={
            **({"net": net, "unsaved": Unsaved(net)} if trains else {}),
            "method": method,
            "theta_batches": context.theta_batches,
            "finals": finals,
            "result": result,
        },
        must_match={"theta": method.must_match, "weights": net},
        keeps_every_step=not trains,
        forecast=_forecast(context),
    )


def _forecast(context: SearchContext) -> Forecast:
    """Of the time that the steps and the comparison of finalists take."""
    plan, settings = context.plan, context.settings
    return Forecast(
        plan.steps,
        plan.cost_until,
        lambda step: cost_after(plan, step, len(context.theta_batches)),
        decided_at=settings.stop_when_decided,
        most_seconds=60 * (settings.max_minutes or math.inf),
    )


@dataclass(frozen=True)
class _Run:
    """All steps of a search, then the comparison of finalists if there are any."""

    loop: Loop
    context: SearchContext
    method: SearchMethod
    finals: FinalistComparison
    result: SearchResult
    on_step: OnStep
    on_epoch: Callable[[SearchResult], None]

    def __call__(self, returns_on_interrupt: bool) -> None:
        with self.loop.interruptible(returns_on_interrupt, self._end_epoch):
            self.loop.run(
                self._update,
                report=self.method.measures,
                on_step=self.on_step,
                on_epoch=self._end_epoch,
                on_resume=self._resumed,
                rules=self._rules,
                afterwards=self._compare if self.context.plan.finalists else None,
            )
        self._finish(INTERRUPTED if self.loop.was_interrupted else MAX_MINUTES)

    def _update(self, step: Step, batch: Any) -> Mapping[str, float]:
        with enough_for_step("search", step.step, batch, self.context.settings):
            # `learns` may draw batches of its own, so it comes before the batch of the step.
            learns = self.method.learns(step.step)
            theta_batch = next(self.context.theta_batches) if learns else None
            to_device = self.context.fabric.to_device
            return self.method.step(to_device(batch), to_device(theta_batch))

    def _end_epoch(self, history: Sequence[Progress]) -> None:
        self.result.add_epoch(history)
        self.on_epoch(self.result)

    def _resumed(self, history: Sequence[Progress]) -> None:
        self.result.set_history(history)
        self.on_epoch(self.result)

    @cached_property
    def _budget(self) -> Budget:
        context = self.context
        share = share_of_steps(context.plan, len(context.theta_batches))
        return Budget("search", context.settings, context.ranks, share)

    @property
    def _rules(self) -> dict[str, Rule]:
        settings = self.context.settings
        rules: dict[str, Rule] = {MAX_MINUTES: self._budget}
        if settings.patience is not None:
            rules[PATIENCE] = no_improvement("theta_loss", settings.patience)
        if settings.stop_when_decided is not None:
            rules[STOP_WHEN_DECIDED] = at_least(DECIDED, settings.stop_when_decided)
        return rules

    def _compare(self) -> Iterator[bool]:
        context, early = self.context, self.loop.early
        self._end_steps()
        plan = context.plan
        if early.reason is not None:
            plan = plan_after(plan, context.settings, early.step, len(context.theta_batches))
        if self._is_over():
            return
        for is_last in self.finals.run(plan):
            is_end = is_last or self._is_over()
            yield is_end
            if is_end:
                return

    def _is_over(self) -> bool:
        return self._budget.is_over(self.loop.watch.seconds())

    def _end_steps(self) -> None:
        try:
            self.method.after_steps()
        except NotLearnedError:
            if self.loop.early.reason is None:  # otherwise the result says it
                raise

    def _finish(self, reason: str) -> None:
        """Complete the result; the reason is that of an end before all was compared."""
        loop, finals, result = self.loop, self.finals, self.result
        if not self.context.plan.finalists and loop.steps_are_done:
            self._end_steps()
            result.architecture = self.method.best()
        is_complete = loop.steps_are_done and finals.is_complete
        result.stopped = loop.early.reason if is_complete else reason
        if finals.finalists:
            result.add_finalists(finals.ranked(), loop.watch.seconds())
        if is_complete and loop.early.reason is None:
            finals.check()
        if not is_complete:
            _log.warning("search: ended early (%s), with what was found until now", reason)
        if result.nothing_learned:
            _log.warning("search: %s", NOTHING_LEARNED)
