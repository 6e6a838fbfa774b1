"""The commands that train: `run`, a whole experiment, and its stages, `search` and `retrain`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pdas import recipes
from pdas.cli.finished import write_report
from pdas.cli.options import (
    Changes,
    DataDir,
    Devices,
    Logger,
    LogLevel,
    Out,
    Quiet,
    RecipeName,
    Resume,
    Seed,
    Strategy,
)
from pdas.cli.progress import Show, compared, progress_of, retrained, searched, show_logs
from pdas.distributed.launch import is_rank, rank, run_ranks, started_ranks
from pdas.distributed.settings import DeviceSettings
from pdas.experiment.stages import Experiment
from pdas.resume.signals import StoppedError
from pdas.runs.run import Run
from pdas.searches.finalists import Finalist
from pdas.searches.search import Progress
from pdas.support.errors import RunError, SettingError
from pdas.support.metrics import Metric
from pdas.support.settings import LARGEST_SEED
from pdas.tasks.recipe import Recipe, recorded
from pdas.tasks.results import metrics_of
from pdas.training.retrain import RetrainProgress


def run(
    recipe: RecipeName,
    out: Out = None,
    seed: Seed = 0,
    data_dir: DataDir = None,
    resume: Resume = False,
    devices: Devices = None,
    strategy: Strategy = None,
    logger: Logger = None,
    quiet: Quiet = False,
    log_level: LogLevel = "warning",
    changes: Changes = None,
) -> None:
    """Search, retrain, evaluate and report: the whole experiment of a recipe."""
    given = _Given(data_dir, resume, devices, strategy, logger, quiet, log_level, changes)
    experiment = _begin(partial(recipes.load, recipe), seed, given)
    found = _search(experiment, out, given)
    _retrain(experiment, found, given)
    _report(found, quiet)


def search(
    recipe: RecipeName,
    out: Out = None,
    seed: Seed = 0,
    data_dir: DataDir = None,
    resume: Resume = False,
    devices: Devices = None,
    strategy: Strategy = None,
    logger: Logger = None,
    quiet: Quiet = False,
    log_level: LogLevel = "warning",
    changes: Changes = None,
) -> None:
    """Search an architecture into a new run directory."""
    given = _Given(data_dir, resume, devices, strategy, logger, quiet, log_level, changes)
    experiment = _begin(partial(recipes.load, recipe), seed, given)
    _report(_search(experiment, out, given), quiet)


def retrain(
    source: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run directory, or an architecture.json.")
    ],
    recipe: Annotated[
        str | None, typer.Option(help="For an architecture.json: on which data, and how.")
    ] = None,
    out: Out = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="(default: that of the run)")
    ] = None,
    data_dir: DataDir = None,
    resume: Resume = False,
    devices: Devices = None,
    strategy: Strategy = None,
    logger: Logger = None,
    quiet: Quiet = False,
    log_level: LogLevel = "warning",
    changes: Changes = None,
) -> None:
    """Retrain the architecture of a run, or of a file on any data, and evaluate it."""
    given = _Given(data_dir, resume, devices, strategy, logger, quiet, log_level, changes)
    if not source.is_dir():
        found = _retrain_file(source, recipe, out, seed or 0, given)
    elif recipe is None and out is None:
        found = _retrain_run(source, seed, given)
    else:
        raise SettingError(
            f"--recipe/--out: {source} is a run, which has its own recipe and directory; "
            f"leave them out, or give {source}/architecture.json"
        )
    _report(found, quiet)


@dataclass(frozen=True)
class _Given:
    """The options that run, search and retrain have in common."""

    data_dir: Path | None
    resume: bool
    devices: int | None
    strategy: str | None
    logger: str | None
    quiet: bool
    log_level: str
    changes: list[str] | None

    @property
    def all_changes(self) -> tuple[str, ...]:
        """All changes of settings, with those that have an option of their own."""
        own = {"device.devices": self.devices, "device.strategy": self.strategy}
        named = [f"{name}={value}" for name, value in own.items() if value is not None]
        return (*(self.changes or ()), *named)


def _begin(
    load: Callable[[Sequence[str]], Recipe],
    seed: int,
    given: _Given,
    own_data_dir: Path | None = None,
) -> Experiment:
    """The experiment on what `load` makes of the changes; several devices begin a process each.

    Where they do, this process only waits for them, and does not return.
    """
    show_logs(given.log_level)
    recipe = load(given.all_changes)
    data_dir = given.data_dir or own_data_dir
    asked = data_dir == given.data_dir  # by this command, and not by a file
    experiment = Experiment(recipe, seed, data_dir, given.logger, download=asked)
    _launch(recipe.device)
    return experiment


def _launch(device: DeviceSettings) -> None:
    """Run this command in a process for each device instead, if there are to be several."""
    started = started_ranks()
    if started not in (None, device.ranks):
        raise SettingError(
            f"device.devices: found {device.devices} on {device.machines} machine(s), expected the "
            f"{started} processes that were started; give --devices, and device.machines"
        )
    if device.ranks == 1 or is_rank():
        return
    if device.machines > 1:
        raise SettingError(
            f"device.machines: found {device.machines} without what starts processes on each, "
            "expected torchrun or srun; see docs/scaling.md"
        )
    command = [sys.executable, "-m", "pdas.cli", *sys.argv[1:]]
    raise typer.Exit(run_ranks(command, device.devices))


def _search(experiment: Experiment, out: Path | None, given: _Given) -> Run:
    path = out or Path("runs") / f"{experiment.recipe.name}-{experiment.seed}"
    with _interruptible(path, given.resume), progress_of("search", given.quiet) as show:
        return experiment.search(
            path,
            partial(_show_search, show, _metrics(experiment)),
            partial(_show_trials, show),
            resume=given.resume,
        )


def _retrain(experiment: Experiment, run: Run, given: _Given) -> None:
    path = run.path / f"retrain-{experiment.seed}"
    with _interruptible(path, given.resume), progress_of("retrain", given.quiet) as show:
        on_step = partial(_show_retraining, show, _metrics(experiment))
        experiment.retrain(run, on_step, resume=given.resume)


def _retrain_run(path: Path, seed: int | None, given: _Given) -> Run:
    """Retrain the architecture of a run, by its own recipe unless it is changed."""
    run = Run.open(path)
    own_recipe, own_seed, own_data_dir = recorded(run)
    experiment = _begin(
        partial(recipes.of_file, own_recipe, file=str(path)),
        own_seed if seed is None else seed,
        given,
        own_data_dir,
    )
    _retrain(experiment, run, given)
    return run


def _retrain_file(
    file: Path, recipe: str | None, out: Path | None, seed: int, given: _Given
) -> Run:
    """Retrain the architecture in a file, by a recipe, into a run directory of its own."""
    if not file.exists():
        raise RunError(f"run: there is no {file}; check the path")
    if recipe is None:
        raise SettingError(
            f"--recipe: found none, expected one for the architecture of the file {file}; "
            "add --recipe NAME"
        )
    experiment = _begin(partial(recipes.load, recipe), seed, given)
    path = out or Path("runs") / f"{experiment.recipe.name}-{file.stem}-{experiment.seed}"
    with _interruptible(path, given.resume), progress_of("retrain", given.quiet) as show:
        on_step = partial(_show_retraining, show, _metrics(experiment))
        return experiment.retrain_given(file, path, on_step, resume=given.resume)


def _report(run: Run, quiet: bool) -> None:
    try:
        write_report(run, quiet)
    except KeyboardInterrupt:
        typer.echo(
            f"pdas: interrupted; all but the report is done: `pdas report {run.path}`", err=True
        )
        raise typer.Exit(130) from None


@contextmanager
def _interruptible(path: Path, resume: bool) -> Iterator[None]:
    """Ctrl-C is one line that says whether anything is in the directory `path` that may go on."""
    # By os.path, since Path's raise for a name that cannot be.
    config = os.path.join(path, "config.yaml")
    others = os.path.exists(config) and not resume
    try:
        yield
    except StoppedError as stopped:
        if rank() == 0:
            typer.echo(f"pdas: {stopped}; add --resume to the command to go on", err=True)
        raise typer.Exit(130) from None
    except KeyboardInterrupt:
        begun = os.path.exists(config) and not others
        kept = f"{path} holds what there is so far; add --resume to the command to go on"
        left = kept if begun else f"nothing of {path} was written"
        typer.echo(f"pdas: interrupted; {left}", err=True)
        raise typer.Exit(130) from None


def _metrics(experiment: Experiment) -> tuple[Metric, ...]:
    return metrics_of(experiment.recipe.model_dump(mode="json"))


def _show_search(show: Show, metrics: Sequence[Metric], progress: Progress) -> None:
    show(progress.step, progress.steps, searched(progress, metrics))


def _show_trials(show: Show, finalists: Sequence[Finalist], done: int, total: int) -> None:
    if total:
        show(done, total, compared(finalists))


def _show_retraining(show: Show, metrics: Sequence[Metric], progress: RetrainProgress) -> None:
    show(progress.step, progress.steps, retrained(progress, metrics))
