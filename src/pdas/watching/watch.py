"""Watching a run until it ends: in a terminal, or by its report that is written again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from os import PathLike

from rich.console import Console
from rich.live import Live

from pdas.report.page import write_report
from pdas.watching.look import Look, Phase, Watcher
from pdas.watching.view import View

REFRESH = 10  # seconds between two looks of a browser at a page that is written again

Sleep = Callable[[float], None]


def looks(
    path: str | PathLike[str], interval: float, sleep: Sleep = time.sleep
) -> Iterator[tuple[Watcher, Look]]:
    """Looks at a run, until it is finished or stopped.

    Args:
        path: the directory of the run, which may not exist yet.
        interval: seconds between two looks.
        sleep: waits so many seconds.

    Yields:
        What looks, and each look; the last one is at the run at its end.

    Raises:
        RunError: the directory cannot be read.
    """
    watcher = Watcher(path)
    while True:
        look = watcher.look()
        yield watcher, look
        if look.phase in (Phase.FINISHED, Phase.STOPPED):
            return
        sleep(interval)


def watch(
    path: str | PathLike[str], console: Console, interval: float, sleep: Sleep = time.sleep
) -> Look:
    """Show a run until it ends; where there is no terminal, as it is now.

    Args:
        path: the directory of the run, which may not exist yet.
        console: where it is shown.
        interval: seconds between two looks.
        sleep: waits so many seconds.

    Returns:
        The last look.

    Raises:
        RunError: the directory cannot be read.
    """
    if not console.is_terminal:
        look = Watcher(path).look()
        console.print(View(look))
        return look
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for _, look in looks(path, interval, sleep):
            live.update(View(look, console.height - 1), refresh=True)
    console.print(View(look))
    return look


def follow(path: str | PathLike[str], interval: float, sleep: Sleep = time.sleep) -> Look:
    """Write the report of a run whenever its files changed, until the run ends.

    A browser that shows the page loads it again, until the last one is written.

    Args:
        path: the directory of the run, which may not exist yet.
        interval: seconds between two looks.
        sleep: waits so many seconds.

    Returns:
        The last look.

    Raises:
        RunError: the directory cannot be read, or the page not written.
    """
    reported: object = None
    try:
        for watcher, look in looks(path, interval, sleep):
            changes = watcher.changes()
            if look.phase is Phase.RUNS and changes != reported:
                write_report(path, refresh=REFRESH)
                reported = changes
    except KeyboardInterrupt:
        if reported is not None:  # no browser shall wait for another one
            write_report(path)
        raise
    write_report(path)
    return look
