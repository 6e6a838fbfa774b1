"""Watching a run until it ends: in a terminal, or by its report that is written again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from os import PathLike

from rich.console import Console
from rich.live import Live

from pdas.report.page import write_report
from pdas.watching.snapshot import Phase, Snapshot, Watcher
from pdas.watching.view import View

REFRESH = 10  # seconds after which a browser loads the page again

Sleep = Callable[[float], None]


def snapshots(
    path: str | PathLike[str], interval: float, sleep: Sleep = time.sleep
) -> Iterator[tuple[Watcher, Snapshot]]:
    """Snapshots of a run, until it is finished or stopped.

    Args:
        path: the directory of the run, which may not exist yet.
        interval: seconds between two snapshots.
        sleep: waits so many seconds.

    Yields:
        What takes them, and each of them; the last one is of the run at its end.

    Raises:
        RunError: the directory cannot be read.
    """
    watcher = Watcher(path)
    while True:
        snapshot = watcher.snapshot()
        yield watcher, snapshot
        if snapshot.phase in (Phase.FINISHED, Phase.STOPPED):
            return
        sleep(interval)


def watch(
    path: str | PathLike[str], console: Console, interval: float, sleep: Sleep = time.sleep
) -> Snapshot:
    """Show a run until it ends; where there is no terminal, as it is now.

    Args:
        path: the directory of the run, which may not exist yet.
        console: where it is shown.
        interval: seconds between two snapshots.
        sleep: waits so many seconds.

    Returns:
        The last snapshot.

    Raises:
        RunError: the directory cannot be read.
    """
    if not console.is_terminal:
        snapshot = Watcher(path).snapshot()
        console.print(View(snapshot))
        return snapshot
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for _, snapshot in snapshots(path, interval, sleep):
            live.update(View(snapshot, console.height - 1), refresh=True)
    console.print(View(snapshot))
    return snapshot


def follow(path: str | PathLike[str], interval: float, sleep: Sleep = time.sleep) -> Snapshot:
    """Write the report of a run whenever its files changed, until the run ends.

    A browser that shows the page loads it again, until the last one is written.

    Args:
        path: the directory of the run, which may not exist yet.
        interval: seconds between two snapshots.
        sleep: waits so many seconds.

    Returns:
        The last snapshot.

    Raises:
        RunError: the directory cannot be read, or the page not written.
    """
    reported: object = None
    try:
        for watcher, snapshot in snapshots(path, interval, sleep):
            changes = watcher.changes()
            if snapshot.phase is Phase.RUNS and changes != reported:
                write_report(path, refresh=REFRESH)
                reported = changes
    except KeyboardInterrupt:
        if reported is not None:  # no browser shall wait for another one
            write_report(path)
        raise
    write_report(path)
    return snapshot
