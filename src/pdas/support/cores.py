"""The number of cores of this process."""

from __future__ import annotations

import os
from collections.abc import Callable


def cores() -> int:
    """The number of cores that this process may use; the machine may have more."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
