"""What the command line shows: a progress bar, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

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

    def step(self, step: int, steps: int, measures: str) -> None:
        """Step number `step` of `steps` is done; the first shows the bar."""
        if not self._bar.tasks:
            self._bar.add_task(self._label, total=steps, measures="")
            self._bar.start()
        self._bar.update(self._bar.tasks[0].id, completed=step, measures=measures)


def searched(progress: SearchProgress) -> str:
    """The measures of a search, in a line."""
    return (
        f"{_measures(progress.measures)}  conv {progress.convergence:.3f}  eta {progress.eta:.4f}"
    )


def retrained(progress: RetrainProgress) -> str:
    """The measures of a retraining, in a line."""
    return _measures(progress.measures)


def _measures(measures: Mapping[str, float]) -> str:
    return _shown(measures, "  ", loss="loss {:.4f}", accuracy="acc {:.3f}", psnr="psnr {:.2f} dB")


def table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print rows of a label and a value."""
    shown = Table(title=title, title_justify="left", show_header=False)
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column()
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)


def measures_text(measures: Mapping[str, Any]) -> str:
    """What an evaluation measured, in a line."""
    return _shown(
        measures, ", ", test_error="{:.2f} % test error", psnr="{:.2f} dB PSNR", ssim="{:.4f} SSIM"
    )


def _shown(measures: Mapping[str, Any], between: str, **texts: str) -> str:
    return between.join(texts[name].format(measures[name]) for name in texts if name in measures)
