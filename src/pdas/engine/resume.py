"""A training that can be stopped after any step, and goes on as if it had not been."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from pdas.engine.checkpoint import Checkpoints
from pdas.engine.random_state import random_state, set_random_state
from pdas.engine.ranks import Ranks
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
        ranks: the processes of the training, of which the first one writes for all.
        alike: what has to be the same on all ranks, by the name that an error tells.
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None,
        parts: Mapping[str, Stateful],
        ranks: Ranks,
        alike: Mapping[str, Stateful],
    ) -> None:
        self._checkpoints = checkpoints
        self._parts = {**parts, "ranks": ranks}
        self._ranks = ranks
        self._alike = alike
        self._saved = False
        streams = [part for part in parts.values() if isinstance(part, Stream)]
        self._generators = list({id(g): g for s in streams for g in s.generators}.values())

    def restore(self) -> int:
        """Go on from the newest checkpoint; returns the step that it is of, 0 if there is none."""
        saved = self._checkpoints.load() if self._checkpoints else None
        step = 0 if saved is None else self._load(saved)
        self._ranks.check_alike(self._alike)
        return step

    def _load(self, saved: dict[str, Any]) -> int:
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

        Raises `StoppedError` in the latter case, unless all steps are done. A stop that is asked of
        one rank stops all.
        """
        if self._checkpoints is None:
            return
        stopped, due = self._ranks.any(stop and step < steps, self._due(self._checkpoints))
        if stopped or due:
            self._save(self._checkpoints, step)
        if stopped:
            raise StoppedError(step)

    def _due(self, checkpoints: Checkpoints) -> bool:
        """Whether it is time for a checkpoint, by the clock of the first rank.

        Several ranks keep the first step: one that dies takes the others along.
        """
        early = self._ranks.size > 1 and not self._saved
        return self._ranks.index == 0 and (early or checkpoints.due())

    def _save(self, checkpoints: Checkpoints, step: int) -> None:
        start = time.monotonic()
        self._ranks.check_alike(self._alike)
        state = {name: part.state_dict() for name, part in self._parts.items()}
        random = random_state(self._generators)
        if self._ranks.index == 0:
            checkpoints.save(step, {"step": step, "parts": state, "random": random}, start)
        self._ranks.any()  # the others wait until it is written
        self._saved = True


class StopRequest:
    """Whether Ctrl-C or SIGTERM has asked to stop after the step at hand."""

    def __init__(self) -> None:
        self.is_set = False

    def __bool__(self) -> bool:
        return self.is_set


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Take Ctrl-C and SIGTERM as a request meanwhile; a second one acts as it would without.

    One that is ignored, as Ctrl-C in the background of a script, stays so. In another thread than
    the main one signals are left alone.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {n: signal.getsignal(n) or signal.SIG_DFL for n in (signal.SIGINT, signal.SIGTERM)}
    before = {number: old for number, old in handlers.items() if old is not signal.SIG_IGN}

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
