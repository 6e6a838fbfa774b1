"""The time that a training takes."""

from __future__ import annotations

import time


class Stopwatch:
    """The time that a training has taken, without interruptions.

    Example:
        watch = Stopwatch()
        watch.seconds()
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """The time until now, in seconds."""
        return time.perf_counter() - self._start

    def state_dict(self) -> dict[str, float]:
        """The time until now, as plain data."""
        return {"seconds": self.seconds()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Continue from `state_dict`."""
        self._start = time.perf_counter() - state["seconds"]
