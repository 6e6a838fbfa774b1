"""A training that can be stopped after any step, and goes on as if it had not been."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from pdas.engine.checkpoint import Checkpoints
from pdas.engine.random_state import random_state, set_random_state
from pdas.engine.stream import Stream
from pdas.errors import RunError

_log = logging.getLogger(__name__)


class Stateful(Protocol):
    """Something that changes in a training, as plain data and tensors."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any) -> Any: ...


class StoppedError(Exception):
    """A training ended before its last step because it was asked to, with a checkpoint.

    Attributes:
        step: the last one that was done.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


class Resumable:
    """Keeps everything of a training that changes in checkpoints.

    Args:
        checkpoints: where to; None keeps nothing.
        parts: all that changes, by name, but for random generators: the global ones, and those of
            parts that are a `Stream`, are kept by themselves.
    """

    def __init__(self, checkpoints: Checkpoints | None, parts: Mapping[str, Stateful]) -> None:
        self._checkpoints = checkpoints
        self._parts = dict(parts)
        streams = [part for part in parts.values() if isinstance(part, Stream)]
        self._generators = list({id(g): g for s in streams for g in s.generators}.values())

    def restore(self) -> int:
        """Go on from the newest checkpoint; returns the step that it is of, 0 if there is none."""
        saved = self._checkpoints.load() if self._checkpoints else None
        if saved is None:
            return 0
        try:
            for name, part in self._parts.items():
                part.load_state_dict(saved["parts"][name])
            # Last, since streams draw their order anew.
            set_random_state(saved["random"], self._generators)
            _log.info("checkpoint: goes on after step %d", saved["step"])
            return int(saved["step"])
        except Exception as error:  # of whatever a file that someone else made holds
            assert self._checkpoints is not None
            reason = " ".join(repr(error).split())[:200]
            raise RunError(
                f"checkpoint: what is in {self._checkpoints.directory} does not fit this training "
                f"({reason}); restore it, or remove the directory to begin anew"
            ) from error

    @contextmanager
    def stoppable(self) -> Iterator[StopRequest]:
        """Take Ctrl-C and SIGTERM as a request to stop meanwhile, if there are checkpoints."""
        if self._checkpoints is None:
            yield StopRequest()
        else:
            with stop_on_signals() as request:
                yield request

    def after(self, step: int, steps: int, stop: bool) -> None:
        """Keep the state after a step if it is time to, or if this is to be the last one.

        Raises `StoppedError` in the latter case, unless all steps are done.
        """
        stopped = stop and step < steps
        if self._checkpoints and (stopped or self._checkpoints.due()):
            state = {name: part.state_dict() for name, part in self._parts.items()}
            random = random_state(self._generators)
            self._checkpoints.save(step, {"step": step, "parts": state, "random": random})
        if stopped:
            raise StoppedError(step)


class StopRequest:
    """Whether Ctrl-C or SIGTERM has asked to stop after the step at hand."""

    def __init__(self) -> None:
        self.is_set = False

    def __bool__(self) -> bool:
        return self.is_set


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Take Ctrl-C and SIGTERM as a request meanwhile; a second one acts as it would without.

    In another thread than the main one signals are left alone.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}

    def on_signal(number: int, frame: FrameType | None) -> None:
        request.is_set = True
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
