"""The command `pdas compare`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdas import recipes
from pdas.cli.importing import importing
from pdas.cli.interrupts import interruptible_runs
from pdas.cli.options import Changes, DataDir, LogLevel, Quiet
from pdas.cli.progress import show_logs, show_start, show_wait
from pdas.cli.sweep import seeds_of
from pdas.cli.tables import grid
from pdas.comparing.rows import BUDGETS, check_changes, names_of
from pdas.support.errors import SettingError, printable
from pdas.support.refusals import check_one_of, refuse

if TYPE_CHECKING:
    from pdas.comparing.results import Comparison
    from pdas.comparing.run import Place
    from pdas.experiment.experiment import Experiment


def compare(
    recipe: Annotated[
        str | None, typer.Argument(help="A shipped recipe (`pdas recipes`) or YAML file.")
    ] = None,
    methods: Annotated[
        str,
        typer.Option(help="Names with commas between: methods, pdas-paper, plain:NETWORK; or all."),
    ] = "pdas,random",
    seeds: Annotated[str, typer.Option(help="How many, from 0 on, or which, as 3,7,11.")] = "5",
    out: Annotated[Path | None, typer.Option(help="(default: runs/RECIPE-compare)")] = None,
    finished: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Only the table and page, of what is finished in this directory."
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="Of each search: equal training passes, or published lengths.")
    ] = "equal",
    data_dir: DataDir = None,
    workers: Annotated[
        int | None, typer.Option(help="Runs at a time (default: one for each core, or each GPU)")
    ] = None,
    quiet: Quiet = False,
    log_level: LogLevel = "warning",
    changes: Changes = None,
) -> None:
    """Compare methods, with several seeds each; the same command again continues."""
    show_logs(log_level)
    _check_one_source(recipe, finished)
    if finished is not None:
        _show(_again(finished), quiet)
        return
    assert recipe is not None
    names, chosen = names_of(methods), seeds_of(seeds)
    check_one_of("--budget", budget, BUDGETS)
    check_changes(changes or ())
    loaded = recipes.load(recipe, changes or ())
    show_start(f"comparison on {loaded.name}", quiet)  # before torch is imported
    with importing():
        from pdas.experiment.experiment import Experiment

    experiment = Experiment(loaded, data_dir=data_dir)
    path = out or Path("runs") / f"{loaded.name}-compare"
    done = _run(experiment, names, chosen, path, budget, workers, quiet)
    _show(done, quiet)
    for (row, seed), error in done.failed.items():
        typer.echo(f"pdas: {row}, seed {seed}: {printable(error)}", err=True)
    if done.failed:
        raise typer.Exit(2)


def _run(
    experiment: Experiment,
    names: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    budget: str,
    workers: int | None,
    quiet: bool,
) -> Comparison:
    with importing():
        from pdas.comparing.run import run_comparison

    with interruptible_runs():
        return run_comparison(
            experiment,
            names,
            seeds,
            out,
            budget=budget,
            workers=workers,
            on_begin=partial(_show_begin, quiet),
            on_end=partial(_show_end, quiet),
        )


def _check_one_source(recipe: str | None, finished: Path | None) -> None:
    if (recipe is None) == (finished is None):
        refuse(
            SettingError,
            "compare",
            found="neither a recipe nor --from" if recipe is None else "a recipe and --from",
            expected="one of both",
            remedy="as pdas compare digits, or pdas compare --from runs/digits-compare",
        )


def _again(path: Path) -> Comparison:
    """The results of what is finished in a directory."""
    show_wait(f"comparison in {path}")
    with importing():
        from pdas.comparing.run import write_results

    return write_results(path)


def _show(done: Comparison, quiet: bool) -> None:
    """Write the page and print the table."""
    # Imported here, since the page needs what is slow to import.
    from pdas.comparing.table import headings, row_texts, sentences
    from pdas.report.comparison import write_comparison

    page = write_comparison(done)
    if quiet:
        return
    bold = [each is done.best for each in done.rows]
    grid(str(done.path), headings(done), [row_texts(done, row) for row in done.rows], bold)
    for text in (*sentences(done), f"The page is {page}."):
        typer.echo(printable(text))


def _show_begin(quiet: bool, runs: Sequence[Place]) -> None:
    if runs and not quiet:
        rows = ", ".join(dict.fromkeys(row for row, _ in runs))
        typer.echo(printable(f"comparison: {len(runs)} runs of {rows} begin"), err=True)


def _show_end(quiet: bool, run: Place, error: str | None) -> None:
    if not quiet:
        row, seed = run
        ended = "is done" if error is None else "failed"
        typer.echo(printable(f"{row}, seed {seed} {ended}"), err=True)
