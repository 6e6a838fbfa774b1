"""How many cores there are to compute on."""

from __future__ import annotations

import os
from collections.abc import Callable


def cores() -> int:
    """Those that this process may use, which can be fewer than the machine has."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
