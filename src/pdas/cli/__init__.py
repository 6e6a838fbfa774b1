"""The command line: `pdas run RECIPE` does all; the other commands are its stages.

An error of the user is one line on standard error and exit status 2, without a traceback.
"""

from __future__ import annotations

import logging
import sys
import warnings
from functools import partial
from typing import TextIO

import typer

from pdas.cli import finished, sweep, train
from pdas.distributed.launch import LOST, end_with_launcher, rank
from pdas.support.errors import PdasError, PdasWarning, RankError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Architecture search within a single training run.",
)
for _command in (
    train.run,
    train.search,
    train.retrain,
    sweep.sweep,
    finished.evaluate,
    finished.predict,
    finished.export,
    finished.report,
):
    app.command()(_command)
app.command(name="recipes")(finished.list_recipes)


def main() -> None:
    """The console script."""
    warnings.showwarning = partial(_show_warning, set())
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    end_with_launcher()
    try:
        app()
    except PdasError as error:
        by = f"rank {rank()}: " if rank() and not isinstance(error, RankError) else ""
        typer.echo(f"pdas: {by}{error}", err=True)
        sys.exit(LOST if isinstance(error, RankError) else 2)


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
