"""The command line: `pdas run RECIPE` does all; the other commands are its stages.

An error of the user is one line on standard error and exit status 2, without a traceback.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import typer

from pdas import recipes
from pdas.engine.classification import Classifier
from pdas.engine.experiment import Experiment
from pdas.engine.export import FORMATS
from pdas.engine.export import export as export_network
from pdas.engine.open import load
from pdas.engine.retrain import RetrainProgress
from pdas.engine.search import Progress
from pdas.engine.stop import StoppedError
from pdas.errors import PdasError, PdasWarning, RankError, RunError, SettingError
from pdas.launch import LOST, is_rank, rank, run_ranks
from pdas.options import (
    Changes,
    DataDir,
    Devices,
    Logger,
    LogLevel,
    Out,
    Quiet,
    RecipeName,
    Resume,
    RunPath,
    Seed,
    Strategy,
)
from pdas.run import Run
from pdas.settings import LARGEST_SEED
from pdas.sweep_command import sweep
from pdas.terminal import (
    Show,
    measures_text,
    progress_of,
    retrained,
    searched,
    show_logs,
    table,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Architecture search within a single training run.",
)


@app.command()
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
    _report(found, quiet)


@app.command()
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
    _report(_search(experiment, out, resume, quiet), quiet)


@app.command()
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
    _report(found, quiet)


app.command()(sweep)


@app.command()
def evaluate(run: RunPath, data_dir: DataDir = None, changes: Changes = None) -> None:
    """Measure every retraining of a run on the test images again, from its weights."""
    rows = []
    for retraining in Run.open(run).retrained():
        own_recipe, seed, own_data_dir = retraining.config()
        recipe = recipes.of_file(own_recipe, changes or (), str(retraining.path))
        measures = Experiment(recipe, seed, data_dir or own_data_dir).evaluate(retraining)
        rows.append((retraining.path.name, measures_text(measures)))
    table(str(run), rows)


@app.command()
def predict(
    run: RunPath,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES", help="Image files.")],
) -> None:
    """Print the class of each image, by the retrained classifier of a run.

    Its first retraining is used; name RUN/retrain-1 for another.
    """
    classifier = load(run)
    if not isinstance(classifier, Classifier):
        raise RunError(
            f"run: {run} holds a network that restores images, expected a classifier; use "
            f"pdas.load({str(run)!r}).restore(images, hidden) in Python"
        )
    for path, prediction in zip(images, classifier.predict(images), strict=True):
        typer.echo(f"{path}\t{prediction.label}\t{prediction.probability:.3f}")


@app.command()
def export(
    run: RunPath,
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "state_dict",
    out: Annotated[
        Path | None, typer.Option(help="New directory (default: export-FORMAT in the retraining).")
    ] = None,
) -> None:
    """Write the retrained network of a run as files for other programs, and print their names.

    Its first retraining is used; name RUN/retrain-1 for another.
    """
    with _interruptible(run):
        made = export_network(run, format, out)
    for file in sorted(made.iterdir()):
        typer.echo(str(file))


@app.command()
def report(run: RunPath) -> None:
    """Draw the pictures and write the page of a run again."""
    _report(Run.open(run))


@app.command(name="recipes")
def list_recipes(
    show: Annotated[str | None, typer.Option(help="Print all settings of this recipe.")] = None,
) -> None:
    """List the shipped recipes, or print one with all its settings."""
    if show is not None:
        typer.echo(recipes.dump(recipes.load(show)), nl=False)
    else:
        table("recipes", [(name, recipes.load(name).description) for name in recipes.names()])


def main() -> None:
    """The console script."""
    warnings.showwarning = partial(_show_warning, set())
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    try:
        app()
    except PdasError as error:
        by = f"rank {rank()}: " if rank() and not isinstance(error, RankError) else ""
        typer.echo(f"pdas: {by}{error}", err=True)
        sys.exit(LOST if isinstance(error, RankError) else 2)


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


def _show_warning(
    shown: set[str],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, once; of another library with its place."""
    if str(message) in shown:
        return
    shown.add(str(message))
    place = "" if issubclass(category, PdasWarning) else f"{filename}:{lineno}: "
    typer.echo(f"pdas: {place}{message}", err=True)


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


def _report(run: Run, quiet: bool = False) -> None:
    if rank() > 0:
        return
    from pdas import report  # matplotlib is slow to import, and only needed here

    page = report.write_report(run.path)
    if not quiet:
        table(str(run.path), [*report.summary_rows(run.path), ("report", str(page))])


if __name__ == "__main__":
    main()
