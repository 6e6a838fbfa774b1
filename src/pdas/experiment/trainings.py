"""The trainings of the two stages that train, and what each writes of its result into a run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from pdas.distributed.compiling import compiled
from pdas.distributed.devices import fresh_precision
from pdas.distributed.numerics import numerics
from pdas.distributed.processes import processes_for
from pdas.experiment.epoch_writer import epochs_of, epochs_of_search
from pdas.experiment.preparation import Opened, Prepared
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.run import Run
from pdas.searches.comparison import OnTrial
from pdas.searches.files import summary, write_finalists, write_look
from pdas.searches.progress_file import progress_file
from pdas.searches.run_search import run_search
from pdas.tasks.recipe import Recipe
from pdas.training.large.averaging import AveragedWeights
from pdas.training.loop import OnStep
from pdas.training.retrain import TrainingModule, retrain

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pdas.methods.base import SearchMethod
    from pdas.space import Architecture
    from pdas.tasks.base import Retraining


def search_into(
    run: Run,
    recipe: Recipe,
    seed: int,
    opened: Opened,
    prepared: Prepared,
    *,
    logger: str | None,
    on_step: OnStep,
    on_trial: OnTrial,
) -> tuple[Architecture, dict[str, Any]]:
    """Run the search of a recipe; the files of every epoch and of the finalists go into `run`.

    Args:
        run: the directory.
        recipe: all settings.
        seed: of the search.
        opened, prepared: the data, the devices and the network of this recipe.
        logger: its name, or None.
        on_step, on_trial: as of `pdas.search`.

    Returns:
        The architecture, and what `search.json` says of the search.
    """
    method, network = prepared.method, prepared.network
    if network is None:
        return method.best(), {"seconds": 0.0, "steps": 0, "stopped": None}
    fresh_precision(opened.fabric)
    with (
        numerics(recipe.device),
        epochs_of_search(run, logger) as write,
        progress_file(run) as progress,
        _processes(recipe, opened, method) as executor,
    ):
        result = run_search(
            network,
            opened.task.loss,
            prepared.batches,
            method,
            recipe.search,
            opened.fabric,
            seed=seed,
            penalty=prepared.penalty,
            checkpoints=Checkpoints(run.checkpoint_directory),
            derive=opened.task.derive(),
            executor=executor,
            on_step=progress.on_step(on_step),
            on_epoch=write,
            on_trial=progress.on_trial(on_trial),
            looks=True,
            kernels=recipe.device.kernels,
        )
    write_finalists(run, result)
    write_look(run, result)
    return result.architecture, summary(result)


def retrain_into(
    run: Run,
    recipe: Recipe,
    opened: Opened,
    training: Retraining,
    *,
    logger: str | None,
    on_step: OnStep,
) -> tuple[str | None, TrainingModule[Any] | None]:
    """Retrain a network; the files of every epoch go into `run`.

    Args:
        run: the directory of the retraining.
        recipe: all settings.
        opened: the devices of this recipe.
        training: the network and its batches.
        logger: its name, or None.
        on_step: as of `pdas.search`.

    Returns:
        Why the retraining ended before its planned length, None if it did not; and the module with
        the averaged weights, None without `retrain.ema`.
    """
    settings, fabric = recipe.retrain.scaled(), opened.fabric
    fresh_precision(fabric)
    averaged = None
    if settings.ema:
        averaged = AveragedWeights(training.module, settings.ema, fabric.device)
    with (
        numerics(recipe.device),
        compiled(recipe.device, training.module),
        epochs_of(run, logger, "retrain") as write,
        progress_file(run) as progress,
    ):
        shown = progress.on_step(on_step)
        stopped = retrain(
            training.module,
            training.batches,
            settings,
            fabric,
            checkpoints=Checkpoints(run.checkpoint_directory),
            components={} if averaged is None else {"averaged": averaged},
            on_step=shown if averaged is None else averaged.following(shown),
            on_epoch=write,
            synchronises=recipe.device.sync_batch_norm,
        )
    return stopped, None if averaged is None else averaged.module


def _processes(
    recipe: Recipe, opened: Opened, method: SearchMethod
) -> AbstractContextManager[Executor | None]:
    """Where a search trains networks one by one, if it does."""
    fabric = opened.fabric
    if method.trains_weights or fabric.world_size > 1 or fabric.device.type != "cpu":
        return nullcontext()
    return processes_for(recipe.search.samples)
