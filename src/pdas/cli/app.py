"""All commands, the options before a command, errors and warnings, and the exit status.

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
from pdas.cli import check, compare, finished_runs, predict, sweep, train, watch
from pdas.cli.help import HELP_OPTIONS, Command, Group, example
from pdas.cli.importing import working
from pdas.cli.interrupts import interruptible
from pdas.cli.progress import logs_of_command
from pdas.distributed.exchange.leaving import ending_alone
from pdas.distributed.launch import LOST, end_with_launcher, rank
from pdas.support.errors import PdasError, PdasWarning, RankError, printable, reason
from pdas.support.imports import import_modules
from pdas.support.writing.streams import forget_lost, forgiving_streams, lost

app = typer.Typer(
    cls=Group,
    context_settings=HELP_OPTIONS,
    epilog=example(""),
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def run_command() -> None:
    """Run the command of `sys.argv`, and end the process with its status.

    Raises:
        SystemExit: always. The status is 2 after an error of the user, 3 if another rank is lost.
            Of a command that does nothing but print, it is 2 too where a disk was full, and 141
            where the reader ended.
    """
    warnings.showwarning = partial(_show_warning, set())
    # Not for "lightning_fabric" itself, since Fabric sets that level again when it is imported.
    logging.getLogger("lightning_fabric.utilities").setLevel(logging.WARNING)
    end_with_launcher()
    with ending_alone(), forgiving_streams(), logs_of_command():
        sys.exit(_status_of_command() or _status_of_output())


def _status_of_command() -> int:
    try:
        app()
    except SystemExit as exit_:  # always, unless there was an error
        return int(exit_.code or 0)
    except PdasError as error:
        # The launcher shows the lines of ranks other than 0, so these name their rank.
        by = f"rank {rank()}: " if rank() and not isinstance(error, RankError) else ""
        typer.echo(f"pdas: {by}{error}", err=True)
        return LOST if isinstance(error, RankError) else 2
    except OSError as error:  # of a path that cannot be, or that may not be entered
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"pdas: {printable(f'{where}{error.strerror or reason(error)}')}", err=True)
        return 2
    return 0


def _status_of_output() -> int:
    error = lost(sys.stdout)
    if error is None:
        return 0
    if isinstance(error, BrokenPipeError):
        return 128 + 13  # SIGPIPE, which ends other programs silently here
    typer.echo(f"pdas: standard output: cannot be written ({error.strerror})", err=True)
    return 2


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


def _on_disk(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose result is on the disk, so it is done even if what it prints is lost."""

    @wraps(command)
    def command_on_disk(**values: object) -> None:
        command(**values)
        forget_lost(sys.stdout)

    return command_on_disk


for _command in (
    check.check,
    _on_disk(train.run),
    _on_disk(train.search),
    _on_disk(train.retrain),
    _on_disk(sweep.sweep),
    _on_disk(compare.compare),
    finished_runs.evaluate,
    predict.predict,
    _on_disk(finished_runs.export),
    _on_disk(finished_runs.report),
    watch.watch,
):
    app.command(cls=Command, epilog=example(_command.__name__))(_interruptible(_command))
app.command("recipes", cls=Command, epilog=example("recipes"))(finished_runs.list_recipes)


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
    typer.echo(f"pdas: {place}{printable(str(message))}", err=True)
