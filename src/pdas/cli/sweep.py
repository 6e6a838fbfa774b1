"""The command `pdas sweep`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdas import recipes
from pdas.cli.importing import importing
from pdas.cli.interrupts import interruptible_runs
from pdas.cli.options import Changes, DataDir, Logger, LogLevel, Quiet, RecipeName
from pdas.cli.progress import show_logs, show_start
from pdas.cli.tables import sweep_rows, table
from pdas.runs.reading import has_file
from pdas.support.errors import SettingError, printable
from pdas.support.refusals import refuse
from pdas.tasks.results import metrics_of

if TYPE_CHECKING:
    from pdas.experiment.experiment import Experiment
    from pdas.experiment.sweep import Sweep

MOST_SEEDS = 10_000


def sweep(
    recipe: RecipeName,
    seeds: Annotated[str, typer.Option(help="How many, from 0 on, or which, as 3,7,11.")] = "5",
    out: Annotated[Path | None, typer.Option(help="(default: runs/RECIPE-sweep)")] = None,
    data_dir: DataDir = None,
    workers: Annotated[
        int | None, typer.Option(help="Seeds at a time (default: one for each core, or each GPU)")
    ] = None,
    logger: Logger = None,
    quiet: Quiet = False,
    log_level: LogLevel = "warning",
    changes: Changes = None,
) -> None:
    """Search and retrain with several seeds, and compare; the same command again continues."""
    show_logs(log_level)
    chosen = seeds_of(seeds)
    loaded = recipes.load(recipe, changes or ())  # before torch is imported
    show_start(f"sweep of {loaded.name}", quiet)
    with importing():
        from pdas.experiment.experiment import Experiment

    experiment = Experiment(loaded, data_dir=data_dir, logger=logger)
    done = _run(experiment, chosen, out or Path("runs") / f"{loaded.name}-sweep", workers, quiet)
    if has_file(done.path / "sweep.json"):  # not where every seed was refused before it began
        from pdas.report.several.page import write_sweep

        page = write_sweep(done.path)
        if not quiet and done.comparison["seeds"]:
            rows = sweep_rows(done.comparison, metrics_of(loaded.model_dump(mode="json")))
            files = [("all of it", str(done.path / "sweep.json")), ("report", str(page))]
            table(str(done.path), [*rows, *files])
    for seed, error in done.failed.items():
        typer.echo(f"pdas: seed {seed}: {printable(error)}", err=True)
    if done.failed:
        raise typer.Exit(2)


def _run(
    experiment: Experiment, seeds: Sequence[int], out: Path, workers: int | None, quiet: bool
) -> Sweep:
    with importing():
        from pdas.experiment.sweep import sweep as run_sweep

    with interruptible_runs():
        return run_sweep(
            experiment,
            seeds,
            out,
            workers=workers,
            on_begin=partial(_show_begin, quiet),
            on_end=partial(_show_seed, quiet),
        )


def seeds_of(text: str) -> list[int]:
    """The seeds of an option: "5" means 0 to 4, and "3,7,11" means these three.

    Args:
        text: of the option.

    Raises:
        SettingError: it is something else.
    """
    try:
        numbers = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        numbers = []
    count = len(numbers) if "," in text else sum(numbers)
    if not 1 <= count <= MOST_SEEDS:
        refuse(
            SettingError,
            "--seeds",
            found=repr(text),
            expected="a number of seeds, as 5, or seeds, as 3,7,11",
            remedy=f"at most {MOST_SEEDS:,} of them",
        )
    return numbers if "," in text else list(range(count))


def _show_begin(quiet: bool, seeds: Sequence[int]) -> None:
    if seeds and not quiet:
        typer.echo(f"sweep: seeds {', '.join(map(str, seeds))} begin", err=True)


def _show_seed(quiet: bool, seed: int, error: str | None) -> None:
    if not quiet:
        typer.echo(f"seed {seed} {'is done' if error is None else 'failed'}", err=True)
