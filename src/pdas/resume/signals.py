"""Stopping a training from outside: after the current step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StoppedError(Exception):
    """A training has stopped before its end, on request. With checkpoints there is one of it.

    It is no `PdasError`, since nothing is wrong.

    Attributes:
        step: the last one that was done.
        number: the signal that asked for it.

    Example:
        try:
            pdas.search(net, loss, data, checkpoints=Checkpoints("kept"))
        except StoppedError as stopped:  # SIGTERM; Ctrl-C returns the result until now
            print(stopped.step)
    """

    def __init__(self, step: int, number: int = signal.SIGTERM) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step
        self.number = number


class StopRequest:
    """Whether Ctrl-C or SIGTERM has asked to stop after the current step.

    Attributes:
        number: the signal that arrived; None if none did.

    Example:
        with stop_on_signals() as request:
            print(request.is_set)
    """

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether a signal has arrived."""
        return self.number is not None


@contextmanager
def stop_on_signals(signals: Collection[int] = SIGNALS) -> Iterator[StopRequest]:
    """Within it, take Ctrl-C and SIGTERM as a request to stop.

    A second signal has its usual effect. A request to which nobody reacted with an error, for
    example after the last step, has its usual effect at the end. A signal that is ignored, as
    Ctrl-C in the background of a script, stays ignored. Only the main thread changes the handling
    of signals.

    Args:
        signals: one of both, or both.

    Example:
        with stop_on_signals() as request:
            while not request.is_set:
                ...
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {number: signal.getsignal(number) or signal.SIG_DFL for number in signals}
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
