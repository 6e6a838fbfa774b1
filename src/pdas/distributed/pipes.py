"""Noticing that another process has ended, however that came.

The other process holds the writing end of a pipe and never writes. When it ends, the system closes
that end, and whoever waits at the reading end wakes up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing.connection import Connection


def at_end_of_pipe(reading_end: Connection, act: Callable[[], None]) -> None:
    """Call `act`, in a thread of its own, when the writing end of a pipe is closed."""

    def wait() -> None:
        reading_end.poll(None)
        act()

    threading.Thread(target=wait, daemon=True).start()
