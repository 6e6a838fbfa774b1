"""Waiting for what another process does, and stopping this one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def wait_for(condition: Callable[[], object], seconds: float = 600) -> None:
    """Until it is true; fails when that takes longer than so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{condition} never came true"
        time.sleep(0.02)


def stop_at(step: int) -> Callable[[Any], None]:
    """A callback of a training that stops this process, by SIGTERM, after so many steps."""

    def on_step(progress: Any) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return on_step


@contextmanager
def never_waits(seconds: int = 100) -> Iterator[None]:
    """Within it, what takes longer than so many seconds fails."""

    def fail(*arguments: Any) -> None:
        raise AssertionError(f"it waits for more than {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
