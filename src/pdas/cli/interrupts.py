"""Ctrl-C on the command line: one line that says what is left, and status 130."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

from pdas.cli.importing import STATUS
from pdas.distributed.launch import rank
from pdas.resume.signals import StoppedError
from pdas.support.errors import printable


@contextmanager
def interruptible(what_is_left: str = "") -> Iterator[None]:
    """Within it, Ctrl-C ends the command with a line that says what is left."""
    try:
        yield
    except KeyboardInterrupt:
        _end(what_is_left)


@contextmanager
def interruptible_stage(directory: Path, resume: bool) -> Iterator[None]:
    """Within it, Ctrl-C ends a stage with a line that says whether it can be resumed.

    Args:
        directory: of the stage.
        resume: whether it may have held this stage before.
    """
    # By os.path, since Path's raise for a name that cannot be.
    config = os.path.join(directory, "config.yaml")
    is_of_another = os.path.exists(config) and not resume
    try:
        yield
    except StoppedError as stopped:
        if rank() == 0:
            typer.echo(f"pdas: {stopped}; add --resume to the command to continue", err=True)
        raise typer.Exit(STATUS) from None
    except KeyboardInterrupt:
        if os.path.exists(config) and not is_of_another:
            _end(f"{directory} holds what there is; add --resume to the command to continue")
        _end(f"nothing of {directory} was written")


@contextmanager
def interruptible_runs() -> Iterator[None]:
    """Within it, Ctrl-C and SIGTERM end all runs, each with a checkpoint."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with interruptible("run the same command again to continue"):
        yield


def _end(what_is_left: str) -> NoReturn:
    line = f"pdas: interrupted; {what_is_left}" if what_is_left else "pdas: interrupted"
    typer.echo(printable(line), err=True)
    raise typer.Exit(STATUS) from None
