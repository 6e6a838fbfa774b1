"""The time of a program by its parts, each without the parts within it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

Place = tuple[object, str]
"""What has a function as an attribute, and the name of that."""


class Parts:
    """Seconds spent in functions, by the part that they belong to.

    Args:
        clock: the current time in seconds.

    Attributes:
        seconds: by part.

    Example:
        parts = Parts(time.process_time)
        with parts.timed({"backward pass": [(torch.Tensor, "backward")]}):
            ...
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._inner = 0.0  # seconds of timed functions within the current one
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, places: dict[str, Sequence[Place]]) -> Iterator[None]:
        """Within it, the functions at some places are timed.

        Args:
            places: by part.
        """
        with ExitStack() as stack:
            for part, each in places.items():
                for owner, name in each:
                    timed = self.of(part, getattr(owner, name))
                    stack.enter_context(patch.object(owner, name, timed))
            yield

    def of(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that is timed as a part."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            around, self._inner = self._inner, 0.0
            start = self._clock()
            try:
                return function(*args, **kwargs)
            finally:
                took = self._clock() - start
                self.seconds[part] += took - self._inner
                self._inner = around + took

        return timed
