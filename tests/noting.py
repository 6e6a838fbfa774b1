"""An executor whose calls note the processes that they are in; workers import it by this name."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any


class Noting(Executor):
    """Another executor that does the runs of a comparison, each of which notes its process.

    Args:
        pool: does the runs.
        notes: a directory; the file of a row has the processes of its runs, a line each.
    """

    def __init__(self, pool: Executor, notes: Path) -> None:
        self._pool, self._notes = pool, notes

    def submit(self, call: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        return self._pool.submit(noted, self._notes, call, *args, **named)


def noted(notes: Path, call: Callable[..., Any], experiment: Any, path: Path) -> Any:
    """The result of a run in this process."""
    with (notes / path.parent.name).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return call(experiment, path)
