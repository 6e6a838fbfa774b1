"""Ctrl-C before a command has begun its work: one line and status 130.

An exception would not do: what runs while a module is imported, as a callback, may swallow it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType

STATUS = 130


def importing() -> AbstractContextManager[None]:
    """Within it, Ctrl-C ends the process at once: nothing has begun that it could break."""
    return _on_interrupt(_end)


def working() -> AbstractContextManager[None]:
    """Within it, and within `importing`, Ctrl-C raises KeyboardInterrupt as it does elsewhere."""
    return _on_interrupt(signal.default_int_handler)


@contextmanager
def _on_interrupt(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as in the background of a script; it stays so
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):  # its reader may be gone
        os.write(2, b"pdas: interrupted\n")
    os._exit(STATUS)
