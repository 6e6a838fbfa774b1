"""Stopping a training from outside: after the current step, with a checkpoint."""

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

    Example:
        try:
            pdas.search(net, loss, data, checkpoints=Checkpoints("kept"))
        except StoppedError as stopped:
            print(stopped.step)
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


class StopRequest:
    """Whether Ctrl-C or SIGTERM has asked to stop after the current step.

    Attributes:
        number: the signal that came; None if none did.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within it, take Ctrl-C and SIGTERM as a request to stop.

    A second signal acts as it would without this. So does, at the end, a request that nobody has
    met with an error, as where it came after the last step. A signal that is ignored, as Ctrl-C in
    the background of a script, stays ignored. In a thread other than the main one signals are left
    alone.

    Example:
        with stop_on_signals() as request:
            while not request.is_set:
                ...
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
