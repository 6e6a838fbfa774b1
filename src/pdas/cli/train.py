"""The commands that train: `run`, a whole experiment, and its stages, `search` and `retrain`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pdas import recipes
from pdas.cli.finished import write_report
from pdas.cli.launch import is_rank, rank, run_ranks
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
from pdas.cli.progress import Show, progress_of, retrained, searched, show_logs
from pdas.engine.experiment import Experiment
from pdas.engine.resume import StoppedError
from pdas.engine.retrain import RetrainProgress
from pdas.engine.search import Progress
from pdas.errors import RunError, SettingError
from pdas.run import Run
from pdas.settings import LARGEST_SEED


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
    show_logs(log_level)
    changed = recipes.load(recipe, _changes(changes, devices, strategy))
    experiment = Experiment(changed, seed, data_dir, logger)
    _launch(experiment)
    found = _search(experiment, out, resume, quiet)
    _retrain(experiment, found, resume, quiet)
    write_report(found, quiet)


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
    show_logs(log_level)
    changed = recipes.load(recipe, _changes(changes, devices, strategy))
    experiment = Experiment(changed, seed, data_dir, logger)
    _launch(experiment)
    write_report(_search(experiment, out, resume, quiet), quiet)


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
    show_logs(log_level)
    if source.is_dir():
        if recipe is not None or out is not None:
            raise SettingError(
                f"--recipe/--out: {source} is a run, which has its own recipe and directory; "
                f"leave them out, or give {source}/architecture.json"
            )
        found = Run.open(source)
        own_recipe, own_seed, own_data_dir = found.config()
        experiment = Experiment(
            recipes.of_file(own_recipe, _changes(changes, devices, strategy), str(source)),
            own_seed if seed is None else seed,
            data_dir or own_data_dir,
            logger,
        )
        _launch(experiment)
        _retrain(experiment, found, resume, quiet)
    else:
        if not source.exists():
            raise RunError(f"run: there is no {source}; check the path")
        if recipe is None:
            raise SettingError(
                f"--recipe: found none, expected one for the architecture of the file {source}; "
                "add --recipe NAME"
            )
        changed = recipes.load(recipe, _changes(changes, devices, strategy))
        experiment = Experiment(changed, seed or 0, data_dir, logger)
        _launch(experiment)
        path = out or Path("runs") / f"{experiment.recipe.name}-{source.stem}-{experiment.seed}"
        with _interruptible(path), progress_of("retrain", quiet) as show:
            found = experiment.retrain_given(
                source, path, partial(_show_retraining, show), resume=resume
            )
    write_report(found, quiet)


def _changes(
    changes: list[str] | None, devices: int | None, strategy: str | None
) -> tuple[str, ...]:
    """All changes of settings, with those that have an option of their own."""
    own = {"device.devices": devices, "device.strategy": strategy}
    given = [f"{name}={value}" for name, value in own.items() if value is not None]
    return (*(changes or ()), *given)


def _launch(experiment: Experiment) -> None:
    """Run this command in a process for each device instead, if there are to be several."""
    device = experiment.recipe.device
    started = int(os.environ.get("WORLD_SIZE", device.ranks))
    if started != device.ranks:
        raise SettingError(
            f"device.devices: found {device.devices} on {device.machines} machine(s), expected the "
            f"{started} processes that torchrun has started; give --devices, and device.machines"
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


def _search(experiment: Experiment, out: Path | None, resume: bool, quiet: bool) -> Run:
    path = out or Path("runs") / f"{experiment.recipe.name}-{experiment.seed}"
    with _interruptible(path), progress_of("search", quiet) as show:
        return experiment.search(path, partial(_show_search, show), resume=resume)


def _retrain(experiment: Experiment, run: Run, resume: bool, quiet: bool) -> None:
    path = run.path / f"retrain-{experiment.seed}"
    with _interruptible(path), progress_of("retrain", quiet) as show:
        experiment.retrain(run, partial(_show_retraining, show), resume=resume)


@contextmanager
def _interruptible(path: Path) -> Iterator[None]:
    """Ctrl-C is one line that says whether the directory `path` holds something unfinished."""
    try:
        yield
    except StoppedError as stopped:
        if rank() == 0:
            typer.echo(f"pdas: {stopped}; add --resume to the command to go on", err=True)
        raise typer.Exit(130) from None
    except KeyboardInterrupt:
        # By os.path, since Path's raise for a name that cannot be.
        begun = os.path.exists(path / "config.yaml") and Run(path).is_unfinished
        kept = f"{path} holds what there is so far; add --resume to the command to go on"
        left = kept if begun else "nothing was written"
        typer.echo(f"pdas: interrupted; {left}", err=True)
        raise typer.Exit(130) from None


def _show_search(show: Show, progress: Progress) -> None:
    show(progress.step, progress.steps, searched(progress))


def _show_retraining(show: Show, progress: RetrainProgress) -> None:
    show(progress.step, progress.steps, retrained(progress))
