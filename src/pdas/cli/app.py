"""All commands, the options before a command, and the display of errors and warnings.

A command imports torch inside its function, after the check of the settings, so that a refusal
appears at once.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import Annotated, TextIO

import typer

from pdas._version import __version__
from pdas.cli import finished_runs, predict, sweep, train
from pdas.cli.importing import working
from pdas.cli.interrupts import interruptible
from pdas.distributed.launch import LOST, end_with_launcher, rank
from pdas.support.errors import PdasError, PdasWarning, RankError
from pdas.support.imports import import_modules

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def run_command() -> None:
    """Run the command of `sys.argv`, and end the process with its status.

    Raises:
        SystemExit: always. The status is 2 after an error of the user, 3 if another rank is lost.
    """
    warnings.showwarning = partial(_show_warning, set())
    # Not for "lightning_fabric" itself, since Fabric sets that level again when it is imported.
    logging.getLogger("lightning_fabric.utilities").setLevel(logging.WARNING)
    end_with_launcher()
    try:
        app()
    except PdasError as error:
        # The launcher shows the lines of ranks other than 0, so these name their rank.
        by = f"rank {rank()}: " if rank() and not isinstance(error, RankError) else ""
        typer.echo(f"pdas: {by}{error}", err=True)
        sys.exit(LOST if isinstance(error, RankError) else 2)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pdas {__version__}")
        raise typer.Exit


@app.callback()
def _before_the_command(
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Import a module that registers methods, tasks or data sets; may be repeated.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version, and exit."
        ),
    ] = False,
) -> None:
    """Architecture search within a single training run."""
    import_modules(modules or ())


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Make Ctrl-C one line and status 130, unless the command itself does."""

    @wraps(command)
    def interruptible_command(**values: object) -> None:
        with interruptible(), working():
            command(**values)

    return interruptible_command


for _command in (
    train.run,
    train.search,
    train.retrain,
    sweep.sweep,
    finished_runs.evaluate,
    predict.predict,
    finished_runs.export,
    finished_runs.report,
):
    app.command()(_interruptible(_command))
app.command(name="recipes")(finished_runs.list_recipes)


def _show_warning(
    shown: set[str],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as one line, once; with its place if it is from another library."""
    if str(message) in shown:
        return
    shown.add(str(message))
    place = "" if issubclass(category, PdasWarning) else f"{filename}:{lineno}: "
    typer.echo(f"pdas: {place}{message}", err=True)
