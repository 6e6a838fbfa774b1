"""The display of a running stage: progress, measures and logs."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pdas.distributed.launch import rank
from pdas.support.refusals import check_one_of

if TYPE_CHECKING:
    from pdas.searches.finalists import Finalist

SECONDS_BETWEEN_LINES = 10.0
LEVELS = ("debug", "info", "warning", "error")

Show: TypeAlias = Callable[[int, int, str], None]  # called with step, steps, text of the measures


@contextmanager
def progress_of(label: str, quiet: bool = False) -> Iterator[Show]:
    """A function that shows the steps of a stage: a bar on a terminal, lines in a file.

    Args:
        label: the name of the stage.
        quiet: whether to show nothing. Ranks other than 0 never show anything.
    """
    console = Console(stderr=True)
    if quiet or rank() > 0:
        yield lambda step, steps, measures: None
        return
    if not console.is_interactive:
        yield Lines(label)
        return
    bar = Bar(label, console)
    try:
        yield bar
    finally:
        bar.stop()


class Bar:
    """A progress bar with the measures and the time left; see `Show`.

    Args:
        label: the name of the stage.
        console: where it is shown.

    Example:
        bar = Bar("search", Console(stderr=True))
        bar(1, 100, "loss 2.3")
        bar.stop()
    """

    def __init__(self, label: str, console: Console) -> None:
        self._label = label
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(),
            console=console,
        )

    def __call__(self, step: int, steps: int, measures: str) -> None:
        if not self._bar.tasks:
            self._bar.add_task(self._label, total=steps, measures="")
            self._bar.start()
        self._bar.update(self._bar.tasks[0].id, completed=step, total=steps, measures=measures)

    def stop(self) -> None:
        """End the display; the bar stays visible."""
        if self._bar.live.is_started:
            self._bar.stop()


class Lines:
    """A line for the first step and the last, and at most one in 10 s between; see `Show`.

    Args:
        label: the name of the stage.
        clock: returns the time in seconds.

    Example:
        Lines("search")(1, 100, "loss 2.3")
    """

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._clock = clock
        self._first: tuple[int, float] | None = None  # the first step, and its time
        self._steps = 0
        self._shown = 0.0

    def __call__(self, step: int, steps: int, measures: str) -> None:
        now = self._clock()
        start = self._first is None or steps != self._steps
        if self._first is None or start:
            self._first, self._steps = (step, now), steps
        elif step < steps and now - self._shown < SECONDS_BETWEEN_LINES:
            return
        self._shown = now
        left = "" if start else f"  {_time_left(self._first, (step, now), steps)} left"
        print(f"{self._label} {step}/{steps}  {measures}{left}", file=sys.stderr, flush=True)


def _time_left(first: tuple[int, float], last: tuple[int, float], steps: int) -> timedelta:
    """The time left, at the speed between two steps, each with its time."""
    per_step = (last[1] - first[1]) / (last[0] - first[0])
    return timedelta(seconds=round(per_step * (steps - last[0])))


def compared(finalists: Sequence[Finalist]) -> str:
    """The state of the trainings of finalists, in a line."""
    losses = [finalist.loss for finalist in finalists if finalist.loss is not None]
    return f"trainings of finalists  loss {min(losses):.4f}" if losses else "trainings of finalists"


class LogLines(logging.Handler):
    """Shows logs as lines on standard error, in the form of errors.

    Example:
        logging.getLogger("pdas").addHandler(LogLines())
    """

    def emit(self, record: logging.LogRecord) -> None:
        typer.echo(f"pdas: {self.format(record)}", err=True)


def show_logs(level: str) -> None:
    """Show the logs of the program from a level on. Ranks other than 0 show only errors.

    Args:
        level: one of `LEVELS`.

    Raises:
        SettingError: there is no such level.
    """
    check_one_of("--log-level", level, LEVELS)
    logger = logging.getLogger("pdas")
    logger.setLevel("ERROR" if rank() > 0 else level.upper())
    logger.handlers = [LogLines()]
