"""Stopping a training from outside: after the step at hand, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StoppedError(Exception):
    """A training ended before its last step because it was asked to, with a checkpoint.

    It is no `PdasError`, since nothing is wrong.

    Attributes:
        step: the last one that was done.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


class StopRequest:
    """Whether Ctrl-C or SIGTERM has asked to stop after the step at hand."""

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Take Ctrl-C and SIGTERM as a request meanwhile; a second one acts as it would without.

    A request that came too late to be met, so that no error ends this, acts so at the end. One that
    is ignored, as Ctrl-C in the background of a script, stays so. In another thread than the main
    one signals are left alone.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {n: signal.getsignal(n) or signal.SIG_DFL for n in (signal.SIGINT, signal.SIGTERM)}
    before = {number: old for number, old in handlers.items() if old is not signal.SIG_IGN}

    def on_signal(number: int, frame: FrameType | None) -> None:
        request.number = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if request.number is not None:
        signal.raise_signal(request.number)
