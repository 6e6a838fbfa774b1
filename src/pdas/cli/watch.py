"""The command `watch`, and the report that is written again while a run continues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pdas.cli.importing import importing
from pdas.cli.options import RunPath
from pdas.cli.tables import show_summary
from pdas.support.errors import RunError

if TYPE_CHECKING:
    from pdas.watching.snapshot import Snapshot

SECONDS = 2.0  # between two snapshots


def watch(
    run: RunPath,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between snapshots.")] = SECONDS,
) -> None:
    """Show a run while it runs: theta, losses, the time left. Ctrl-C ends this, not the run.

    A run that has not begun is waited for. Where standard output is no terminal, the run is shown
    once, as it is.
    """
    with importing():
        from pdas.watching.watch import watch as watch_run

    _end(run, watch_run(run, Console(), interval))


def follow(run: Path) -> None:
    """Write the report of a run whenever it changed, until the run ends, and print its summary.

    Args:
        run: its directory, which may not exist yet.
    """
    with importing():
        from pdas.watching.watch import follow as follow_run

    typer.echo(f"report of {run}: written again until the run ends; open {run / 'report.html'}")
    _end(run, follow_run(run, SECONDS))


def _end(run: Path, snapshot: Snapshot) -> None:
    from pdas.watching.snapshot import Phase

    if snapshot.phase is Phase.STOPPED:
        state = f"{snapshot.stage} is not finished, and no process is at work"
        remedy = "continue by its command with --resume, or by the same call"
        raise RunError(f"run: {run}: {state}; {remedy}")
    if snapshot.phase is Phase.FINISHED:
        show_summary(run)
