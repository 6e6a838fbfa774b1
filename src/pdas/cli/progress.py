"""The display of a running stage: progress, measures and logs."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import typer

from pdas.distributed.launch import rank
from pdas.support.errors import printable
from pdas.support.refusals import check_one_of
from pdas.training.display import Show, displayed
from pdas.training.forecast import about

SECONDS_BETWEEN_LINES = 10.0
LEVELS = ("debug", "info", "warning", "error")


def progress_of(label: str, quiet: bool = False) -> AbstractContextManager[Show]:
    """A function that shows the steps of a stage: a bar on a terminal, lines in a file.

    Args:
        label: the name of the stage.
        quiet: whether to show nothing. Ranks other than 0 never show anything.
    """
    return displayed(label, not quiet, Lines)


def show_start(what: str, quiet: bool) -> None:
    """Say at once what begins, where the import of torch comes first, which takes seconds.

    Args:
        what: begins.
        quiet: whether to say nothing. Ranks that a launcher has started say nothing either.
    """
    if not quiet and "torch" not in sys.modules and "LOCAL_RANK" not in os.environ:
        typer.echo(printable(f"{what}: loading"), err=True)


def show_wait(what: str) -> None:
    """Say at once, on a terminal only, what a command begins whose output is its result.

    Args:
        what: begins.
    """
    show_start(what, quiet=not sys.stderr.isatty())


class Lines:
    """A line for the first step and the last, and at most one in 10 s between; see `Show`.

    Args:
        label: the name of the stage.
        clock: returns the time in seconds.

    Example:
        Lines("search")(1, 100, "loss 2.3", 180.0)
    """

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._clock = clock
        self._steps = 0
        self._shown = 0.0

    def __call__(self, step: int, steps: int, measures: str, left: float | None) -> None:
        now = self._clock()
        is_first, self._steps = steps != self._steps, steps
        if not is_first and step < steps and now - self._shown < SECONDS_BETWEEN_LINES:
            return
        self._shown = now
        is_over = step == steps and not left
        forecast = "" if left is None or is_over else f"  {about(left)} left"
        print(f"{self._label} {step}/{steps}  {measures}{forecast}", file=sys.stderr, flush=True)


class LogLines(logging.Handler):
    """Shows logs as lines on standard error, in the form of errors.

    Example:
        logging.getLogger("pdas").addHandler(LogLines())
    """

    def emit(self, record: logging.LogRecord) -> None:
        text = "\n".join(map(printable, self.format(record).splitlines()))
        typer.echo(f"pdas: {text}", err=True)


@contextmanager
def logs_of_command() -> Iterator[None]:
    """Within it, `show_logs` has its effect; afterwards, logs go where they went before."""
    logger = logging.getLogger("pdas")
    level, handlers = logger.level, logger.handlers
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.handlers = handlers


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
