"""What the command line shows: a progress bar, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pdas.engine.retrain import RetrainProgress
from pdas.engine.search import Progress as SearchProgress


class Bar:
    """A progress bar with a line of measures and the time left."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar.live.is_started:
            self._bar.stop()

    def start(self, steps: int) -> None:
        """Show the bar, at the first of `steps` steps."""
        self._task = self._bar.add_task(self._label, total=steps, measures="")
        self._bar.start()

    def step(self, measures: str) -> None:
        """One step is done."""
        self._bar.update(self._task, advance=1, measures=measures)


def searched(progress: SearchProgress) -> str:
    """The measures of a search, in a line."""
    return (
        f"loss {progress.measures['loss']:.3f}  acc {progress.measures['accuracy']:.3f}  "
        f"conv {progress.convergence:.3f}  eta {progress.theta_rate:.4f}"
    )


def retrained(progress: RetrainProgress) -> str:
    """The measures of a retraining, in a line."""
    return f"loss {progress.loss:.3f}  acc {progress.accuracy:.3f}"


def table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print rows of a label and a value."""
    shown = Table(title=title, title_justify="left", show_header=False)
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column()
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
