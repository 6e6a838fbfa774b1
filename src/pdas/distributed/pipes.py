"""Notice that another process has ended, in whatever way.

The other process has the writing end of a pipe and never writes. When it ends, the system closes
that end, and the thread that waits at the reading end continues.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing.connection import Connection


def at_end_of_pipe(reading_end: Connection, act: Callable[[], None]) -> None:
    """Call `act` in a new thread when the writing end of a pipe is closed.

    Args:
        reading_end: of the pipe.
        act: must be safe in another thread.
    """

    def wait() -> None:
        reading_end.poll(None)
        act()

    threading.Thread(target=wait, daemon=True).start()
