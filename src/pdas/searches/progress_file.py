"""What a running stage writes of its progress, for those who watch it: `progress.json`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from pdas.runs.progress import FILE, FINALISTS, STEPS, StageProgress
from pdas.runs.run import Run
from pdas.searches.comparison import OnTrial
from pdas.searches.finalists import Finalist
from pdas.searches.trials_left import TrialsLeft
from pdas.support.errors import RunError
from pdas.training.loop import OnStep, Progress

SECONDS = 3.0  # at least between two writes


class ProgressFile:
    """Writes the progress of a stage.

    Args:
        run: the directory of the stage.
        clock: returns the time in seconds.

    Example:
        with progress_file(run) as file:
            run_search(..., on_step=file.on_step(on_step), on_trial=file.on_trial(on_trial))
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._written: float | None = None
        self._end: float | None = None  # of the stage, as forecast last
        self._measures: Mapping[str, float] = {}

    def on_step(self, then: OnStep) -> OnStep:
        """An `on_step` that writes each step, but for those that follow too soon.

        Args:
            then: is called afterwards.
        """

        def wrapped(progress: Progress) -> bool | None:
            self._measures = progress.measures
            self._write(STEPS, progress.step, progress.steps, progress.seconds_left)
            return then(progress)

        return wrapped

    def on_trial(self, then: OnTrial) -> OnTrial:
        """An `on_trial` that writes how many finalists are trained.

        Args:
            then: is called afterwards.
        """
        seconds_left = TrialsLeft(self._clock)

        def wrapped(finalists: Sequence[Finalist], done: int, total: int) -> None:
            self._write(FINALISTS, done, total, seconds_left(finalists, done, total))
            then(finalists, done, total)

        return wrapped

    def _write(self, part: str, done: int, total: int, left: float | None) -> None:
        now = self._clock()
        if left is not None:
            self._end = now + left
        if self._written is not None and now - self._written < SECONDS and done < total:
            return
        self._written = now
        left = None if self._end is None else max(0.0, self._end - now)
        progress = StageProgress(part, done, total, left, self._measures)
        with suppress(RunError):  # who trains needs no one who watches
            self._run.write_json(FILE, progress.to_json())


@contextmanager
def progress_file(run: Run) -> Iterator[ProgressFile]:
    """Write the progress of a stage for the time of a `with` block.

    Args:
        run: the directory of the stage.

    Yields:
        What writes it.
    """
    try:
        yield ProgressFile(run)
    finally:
        if run.writes:
            with suppress(OSError):
                (run.path / FILE).unlink()
