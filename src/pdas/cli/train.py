"""The commands that train: `run`, the whole experiment, and its stages `search` and `retrain`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdas import recipes
from pdas.cli.check import on_check
from pdas.cli.finished_runs import write_report
from pdas.cli.importing import importing
from pdas.cli.interrupts import interruptible, interruptible_stage
from pdas.cli.options import Control, Out, RecipeName, Seed, TrainingOptions, with_training_options
from pdas.cli.progress import progress_of, show_logs, show_start
from pdas.distributed.launch import is_rank, run_ranks, started_ranks
from pdas.distributed.settings import DeviceSettings
from pdas.runs.run import Run
from pdas.searches.trials_left import showing_trials
from pdas.support.errors import RunError, SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import LARGEST_SEED
from pdas.tasks.recipe import Recipe, recorded
from pdas.tasks.results import metrics_of
from pdas.training.display import Show, showing

if TYPE_CHECKING:
    from pdas.experiment.experiment import Experiment
    from pdas.training.loop import OnStep


@with_training_options
def run(
    recipe: RecipeName,
    options: TrainingOptions,
    out: Out = None,
    seed: Seed = 0,
    control: Control = 0,
) -> None:
    """Search, retrain, evaluate and report: the whole experiment of a recipe."""
    experiment = _begin(partial(recipes.load, recipe), seed, options)
    searched = _search(experiment, out, options)
    _retrain(experiment, searched, options)
    _train_controls(experiment, searched, control, options)
    _report(searched, options.quiet)


@with_training_options
def search(recipe: RecipeName, options: TrainingOptions, out: Out = None, seed: Seed = 0) -> None:
    """Search an architecture into a new run directory."""
    experiment = _begin(partial(recipes.load, recipe), seed, options)
    _report(_search(experiment, out, options), options.quiet)


@with_training_options
def retrain(
    source: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run directory, or an architecture.json.")
    ],
    options: TrainingOptions,
    recipe: Annotated[
        str | None, typer.Option(help="For an architecture.json: on which data, and how.")
    ] = None,
    out: Out = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="(default: that of the run)")
    ] = None,
) -> None:
    """Retrain the architecture of a run, or of a file on any data, and evaluate it."""
    if not source.is_dir():
        retrained = _retrain_file(source, recipe, out, seed or 0, options)
    elif recipe is None and out is None:
        retrained = _retrain_run(source, seed, options)
    else:
        raise SettingError(
            f"--recipe/--out: {source} is a run, which has its own recipe and directory; "
            f"leave them out, or name {source}/architecture.json"
        )
    _report(retrained, options.quiet)


def _begin(
    load: Callable[[Sequence[str]], Recipe],
    seed: int,
    options: TrainingOptions,
    own_data_dir: Path | None = None,
) -> Experiment:
    """The experiment with the recipe that `load` makes of the changes.

    For several devices, this starts a process for each, waits for them and does not return.
    """
    show_logs(options.log_level)
    recipe = load(options.all_changes)  # before torch is imported
    show_start(f"{recipe.name}, seed {seed}", options.quiet)
    with importing():
        from pdas.experiment.experiment import Experiment

    data_dir = options.data_dir or own_data_dir
    asked = data_dir == options.data_dir  # only the user may ask for a download, not a file
    experiment = Experiment(recipe, seed, data_dir, options.logger, download=asked)
    _launch(recipe.device)
    return experiment


def _launch(device: DeviceSettings) -> None:
    """If there are several devices, run this command in a process for each and exit."""
    started = started_ranks()
    if started not in (None, device.ranks):
        refuse(
            SettingError,
            "device.devices",
            found=f"{device.devices} on {device.machines} machine(s)",
            expected=f"the {started} processes that were started",
            remedy="set --devices, and device.machines",
        )
    if device.ranks == 1 or is_rank():
        return
    if device.machines > 1:
        refuse(
            SettingError,
            "device.machines",
            found=f"{device.machines} without what starts processes on each",
            expected="torchrun or srun",
            remedy="see docs/scaling.md",
        )
    command = [sys.executable, "-m", "pdas.cli", *sys.argv[1:]]
    raise typer.Exit(run_ranks(command, device.devices))


def _search(experiment: Experiment, out: Path | None, options: TrainingOptions) -> Run:
    path = out or experiment.directory()
    with interruptible_stage(path, options.resume), progress_of("search", options.quiet) as show:
        return experiment.search(
            path,
            _shown(experiment, show),
            showing_trials(show),
            resume=options.resume,
            on_check=on_check(options.quiet),
        )


def _retrain(experiment: Experiment, run: Run, options: TrainingOptions) -> None:
    path = run.path / f"retrain-{experiment.seed}"
    with interruptible_stage(path, options.resume), progress_of("retrain", options.quiet) as show:
        experiment.retrain(run, _shown(experiment, show), resume=options.resume)


def _train_controls(experiment: Experiment, run: Run, count: int, options: TrainingOptions) -> None:
    with importing():
        from pdas.experiment.control import controls, write_comparison

    for number, each in enumerate(controls(experiment, run, count), start=1):
        label = f"control {number} of {count}"
        with interruptible_stage(each.path, True), progress_of(label, options.quiet) as show:
            each.train(_shown(experiment, show))
    write_comparison(run)


def _retrain_run(path: Path, seed: int | None, options: TrainingOptions) -> Run:
    """Retrain the architecture of a run, by its own recipe with the changes."""
    run = Run.open(path)
    own_recipe, own_seed, own_data_dir = recorded(run)
    experiment = _begin(
        partial(recipes.of_file, own_recipe, file=str(path)),
        own_seed if seed is None else seed,
        options,
        own_data_dir,
    )
    _retrain(experiment, run, options)
    return run


def _retrain_file(
    file: Path, recipe: str | None, out: Path | None, seed: int, options: TrainingOptions
) -> Run:
    """Retrain the architecture in a file, by a recipe, into a new run directory."""
    if not file.exists():
        raise RunError(f"run: there is no {file}; check the path")
    if recipe is None:
        refuse(
            SettingError,
            "--recipe",
            found="none",
            expected=f"one for the architecture of the file {file}",
            remedy="add --recipe NAME",
        )
    experiment = _begin(partial(recipes.load, recipe), seed, options)
    path = out or experiment.directory(file.stem)
    with interruptible_stage(path, options.resume), progress_of("retrain", options.quiet) as show:
        on_step = _shown(experiment, show)
        return experiment.retrain_file(file, path, on_step, resume=options.resume)


def _report(run: Run, quiet: bool) -> None:
    with interruptible(f"all but the report is done: `pdas report {run.path}`"):
        write_report(run, quiet)


def _shown(experiment: Experiment, show: Show) -> OnStep:
    """A function that shows the progress of a stage, with the measures of the task."""
    return showing(show, metrics=metrics_of(experiment.recipe.model_dump(mode="json")))
