"""The bar of a running training: on a terminal, or in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from pdas.distributed.launch import rank
from pdas.support.metrics import Metric, bar_text
from pdas.support.writing.streams import forgiving
from pdas.training.forecast import about

if TYPE_CHECKING:  # they import torch, which the command line does not need for a refusal
    from pdas.training import loop

Show: TypeAlias = "Callable[[int, int, str, float | None], None]"
"""Called with step, steps, the text of the measures, and the seconds that are left, about.

These are None where there is no new forecast; then an earlier one holds.
"""


class Bar:
    """A progress bar with the measures and the time left; see `Show`.

    Args:
        label: the name of the stage.
        console: where it is shown.

    Example:
        bar = Bar("search", Console(stderr=True))
        bar(1, 100, "loss 2.3", 180.0)
        bar.stop()
    """

    def __init__(self, label: str, console: Console) -> None:
        self._label = label
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[measures]}", markup=False),
            _TimeLeft(),
            console=console,
            # What is printed in between goes above the bar, to the stream of the bar. Where it
            # is meant for a file it is left alone.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )

    def __call__(self, step: int, steps: int, measures: str, left: float | None) -> None:
        if not self._bar.tasks:
            self._bar.add_task(self._label, total=steps, measures="", end=None)
            self._bar.start()
        task = self._bar.tasks[0]
        end = task.fields["end"] if left is None else time.monotonic() + left
        self._bar.update(task.id, completed=step, total=steps, measures=measures, end=end)

    def stop(self) -> None:
        """End the display; the bar stays visible."""
        if self._bar.live.is_started:
            self._bar.stop()


class _TimeLeft(ProgressColumn):
    """The time to the forecast end, also between two steps."""

    def render(self, task: Task) -> Text:
        end: float | None = task.fields["end"]
        left = None if end is None else max(0.0, end - time.monotonic())
        is_over = task.finished and not left
        text = "" if left is None or is_over else f"{about(left)} left"
        return Text(text, style="progress.remaining")


def nothing(step: int, steps: int, measures: str, left: float | None) -> None:
    """Shows nothing; see `Show`."""


@contextmanager
def displayed(
    label: str, wanted: bool = True, elsewhere: Callable[[str], Show] = lambda label: nothing
) -> Iterator[Show]:
    """What shows the steps of a stage: a bar, where standard error is a terminal or a notebook.

    Args:
        label: the name of the stage.
        wanted: whether to show anything. Ranks other than the first never show anything.
        elsewhere: makes what shows the steps where there can be no bar.

    Yields:
        What shows a step. A bar ends with the block.
    """
    console = _standard_error()
    if not wanted or rank() > 0:
        yield nothing
    elif not console.is_interactive:
        yield elsewhere(label)
    else:
        bar = Bar(label, console)
        try:
            yield bar
        finally:
            bar.stop()


def _standard_error() -> Console:
    """Standard error as a console, in a notebook as a terminal; a terminal may hang up.

    What rich has for notebooks needs a package of widgets, and warns without it. A line that is
    drawn again needs none.
    """
    stream = forgiving(sys.stderr)
    console = Console(file=stream)
    if console.is_jupyter:
        return Console(file=stream, force_jupyter=False, force_terminal=True, width=100)
    return console


def showing(
    show: Show,
    then: Callable[[loop.Progress], Any] = lambda progress: None,
    metrics: Sequence[Metric] = (),
) -> loop.OnStep:
    """An `on_step` that shows each step.

    Args:
        show: shows it.
        then: is called afterwards; what it returns is returned.
        metrics: of the task, by which measures are named.
    """
    if show is nothing:  # the text of a step takes longer than the rest
        return then

    def on_step(progress: loop.Progress) -> Any:
        text = bar_text(progress.measures, metrics)
        show(progress.step, progress.steps, text, progress.seconds_left)
        return then(progress)

    return on_step
