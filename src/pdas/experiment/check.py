"""What is known of an experiment before it starts: its images, its networks, and its time here.

The time is measured: a few steps of either training run, with networks and batches of their own.
What they draw is put back, so that the experiment that follows is the same without a check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from pdas.data.checking.survey import Survey, survey
from pdas.distributed.devices import fresh_precision
from pdas.distributed.numerics import numerics
from pdas.experiment.preparation import set_kernels
from pdas.resume.signals import StoppedError
from pdas.searches.arguments import make_plan
from pdas.searches.method import method_for
from pdas.searches.run_search import run_search
from pdas.support.random_state import random_state, set_random_state
from pdas.training.retrain import retrain

if TYPE_CHECKING:
    from pdas.experiment.preparation import Opened, Prepared
    from pdas.methods.planning.plan import Plan
    from pdas.tasks.recipe import Recipe
    from pdas.training.loop import OnStep, Progress

FILE = "check.json"
FEWEST, MOST, SECONDS = 3, 10, 2.0  # steps that are measured of a training, and when it is enough
SHORT = 2 * MOST  # steps: there is nothing to plan


@dataclass(frozen=True)
class SearchPlan:
    """The search to come.

    Attributes:
        method: its name.
        weights: the numbers in the weights of the supernet; 0 if the method does not train.
        steps: all of them.
        warmup: the first of them, in which theta does not learn.
        finalists: architectures that are compared at the end.
        seconds: the time that it takes here; None if it was not measured.

    Example:
        check(recipe, 0, opened, prepared).search.seconds
    """

    method: str
    weights: int
    steps: int
    warmup: int
    finalists: int
    seconds: float | None


@dataclass(frozen=True)
class RetrainingPlan:
    """The retraining to come, of an architecture that is drawn at random.

    Attributes:
        weights: the numbers in its weights.
        weight_limit: the largest number that the recipe allows, if it has a limit.
        limit: the limit of another cost, with its maximum, if the recipe has one.
        changed: settings of the network that are others than in the search: both values.
        steps: all of them.
        seconds: see `SearchPlan`.

    Example:
        check(recipe, 0, opened, prepared).retraining.changed
    """

    weights: int
    weight_limit: int | None
    limit: dict[str, Any] | None
    changed: dict[str, tuple[Any, Any]]
    steps: int
    seconds: float | None


@dataclass(frozen=True)
class Check:
    """What is known before the start; plain data all through.

    Attributes:
        images: of the data.
        search, retraining: the two trainings.
        kernels: which operators the networks use; None if they have no choice of them.

    Example:
        check(recipe, 0, opened, prepared).images.few
    """

    images: Survey
    search: SearchPlan
    retraining: RetrainingPlan
    kernels: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As in `check.json`."""
        return asdict(self)


OnCheck: TypeAlias = Callable[[Check], None]
"""Called with what is known before the start."""


def check(recipe: Recipe, seed: int, opened: Opened, prepared: Prepared) -> Check:
    """Look at the images, and plan both trainings.

    The time is not measured on several devices, or of a training of few steps.

    Args:
        recipe: of the experiment.
        seed: of the experiment.
        opened: its data on its devices.
        prepared: its search, which is not begun and stays as it is.

    Raises:
        DataError: an image is broken.
        OutOfMemoryError: a step needs more memory than there is.
    """
    state = random_state(device=opened.fabric.device)
    try:
        with numerics(recipe.device):
            images = survey(opened.task.images, labelled=recipe.data.use == "labelled")
            search = _plan_search(recipe, seed, opened, prepared)
            retraining, kernels = _plan_retraining(recipe, seed, opened)
            of_search = set_kernels(prepared.network, recipe, opened.fabric.device)
            if of_search and of_search != kernels:
                kernels = f"search: {of_search}; retraining: {kernels}"
            return Check(images, search, retraining, kernels)
    finally:
        set_random_state(state, device=opened.fabric.device)


def _plan_search(recipe: Recipe, seed: int, opened: Opened, prepared: Prepared) -> SearchPlan:
    settings = recipe.search
    if prepared.network is None:
        return SearchPlan(settings.method.name, 0, 0, 0, 0, 0.0)
    method, network = prepared.method, prepared.network
    plan = make_plan(method, network, opened.task.loss, settings, prepared.batches)
    weights = sum(weight.numel() for weight in prepared.network.parameters())
    measured = _is_measured(plan.steps, opened) and prepared.method.trains_weights
    seconds = _search_seconds(recipe, seed, opened, plan) if measured else None
    return SearchPlan(
        settings.method.name, weights, plan.steps, plan.warmup, plan.finalists, seconds
    )


def _search_seconds(recipe: Recipe, seed: int, opened: Opened, plan: Plan) -> float:
    """The time of all steps, and of the trainings of finalists, which cost as much as a warm-up."""
    full = _seconds_per_step(lambda on_step: _search(recipe, 0.0, seed, opened, on_step))
    if not (plan.warmup or plan.trial_passes):
        return full * plan.steps
    early = _seconds_per_step(lambda on_step: _search(recipe, 0.9, seed, opened, on_step))
    trials = plan.trial_passes / recipe.search.samples
    return early * (plan.warmup + trials) + full * (plan.steps - plan.warmup)


def _search(recipe: Recipe, warmup: float, seed: int, opened: Opened, on_step: OnStep) -> None:
    """A search with another warm-up, neither limited nor with finalists."""
    settings, task, fabric = recipe.search, opened.task, opened.fabric
    unlimited = {"max_minutes": None, "patience": None, "stop_when_decided": None}
    alone = {"finalists": 0, "finalists_share": 0.0, "finalists_epochs": None}
    changed = settings.model_copy(update={"warmup": warmup, **unlimited, **alone})
    torch.manual_seed(seed)
    network = settings.method.network(task.supernet())
    method = method_for(task.space, None, changed, None, None, seed, task.baseline)
    fresh_precision(fabric)
    batches = task.search_batches(seed)
    run_search(
        network,
        task.loss,
        batches,
        method,
        changed,
        fabric,
        seed=seed,
        kernels=recipe.device.kernels,
        on_step=on_step,
    )


def _plan_retraining(
    recipe: Recipe, seed: int, opened: Opened
) -> tuple[RetrainingPlan, str | None]:
    task, settings = opened.task, recipe.retrain
    architecture = task.space.uniform(np.random.default_rng(seed))

    torch.manual_seed(seed)
    planned = task.retraining(architecture, seed)
    kernels = set_kernels(planned.module, recipe, opened.fabric.device, retraining=True)

    def train(on_step: OnStep) -> None:
        unlimited = settings.model_copy(update={"max_minutes": None})
        fresh_precision(opened.fabric)
        retrain(planned.module, planned.batches, unlimited, opened.fabric, on_step=on_step)

    steps = settings.total_steps(len(planned.batches))
    seconds = _seconds_per_step(train) * steps if _is_measured(steps, opened) else None
    finished = planned.module.finished()  # afterwards, since it drops what only training needs
    plan = RetrainingPlan(
        weights=sum(weight.numel() for weight in finished.parameters()),
        weight_limit=getattr(settings, "weight_limit", None),
        limit=settings.model_dump(mode="json").get("limit"),
        changed=_changed(recipe.network.model_dump(mode="json"), planned.about.get("network")),
        steps=steps,
        seconds=seconds,
    )
    return plan, kernels


def _changed(searched: Mapping[str, Any], retrained: object) -> dict[str, tuple[Any, Any]]:
    """Settings that both networks have, with other values."""
    if not isinstance(retrained, Mapping):
        return {}
    both = {name: (value, retrained.get(name, value)) for name, value in searched.items()}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def _is_measured(steps: int, opened: Opened) -> bool:
    # Ranks would have to agree when it is enough.
    return steps >= SHORT and opened.fabric.world_size == 1


class _EnoughError(Exception):
    """Enough steps are measured."""


def _seconds_per_step(train: Callable[[OnStep], None]) -> float:
    """The mean time of the first steps of a training, but for the very first."""
    times: list[float] = []

    def on_step(progress: Progress) -> None:
        times.append(perf_counter())
        taken = times[-1] - times[0]
        if len(times) > MOST or (len(times) > FEWEST and taken > SECONDS):
            raise _EnoughError

    try:
        train(on_step)
    except _EnoughError:
        pass
    except StoppedError:  # Ctrl-C: there is nothing to continue from
        raise KeyboardInterrupt from None
    return (times[-1] - times[0]) / (len(times) - 1)
