"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from pdas.support.errors import printable
from pdas.support.metrics import Metric, measures_text, metric_named

MOST_WIDE = 1000  # characters of a line
NARROW = 60  # characters; below, labels are broken too, since values would have no room


def table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print rows of a label and a value."""
    console = Console()
    # `Text`, since rich takes brackets in a plain string as markup.
    shown = Table(title=Text(printable(title)), title_justify="left", show_header=False)
    shown.add_column(style="bold", no_wrap=console.width >= NARROW)
    shown.add_column()
    for row in rows:
        shown.add_row(*(Text(printable(text)) for text in row))
    console.print(shown)


def show_summary(run: Path, *further: tuple[str, str]) -> None:
    """Print the results of a run, and its warnings.

    Args:
        run: the directory.
        further: rows at the end.
    """
    # Imported here, since what they compute with is slow to import.
    from pdas.report.describe import summarise
    from pdas.report.reader import read_summary
    from pdas.report.warnings.of_run import warnings_of

    summary = read_summary(run, lenient=True)
    table(str(run), [*summarise(summary), *further])
    for warning in warnings_of(summary):
        typer.echo(printable(f"warning: {warning.text}"))


def grid(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], bold: Sequence[bool]
) -> None:
    """Print a table with a head.

    Args:
        title: above it.
        headings: of the columns.
        rows: the texts of the cells.
        bold: whether a row is the best one.
    """
    shown = Table(title=Text(printable(title)), title_justify="left")
    for heading in headings:
        shown.add_column(Text(printable(heading)), no_wrap=True)
    for row, is_best in zip(rows, bold, strict=True):
        style = "bold" if is_best else ""
        shown.add_row(*(Text(printable(text), style=style) for text in row))
    # As wide as its texts: a narrow terminal then breaks the lines, and no text is cut.
    wide = Console(width=MOST_WIDE)
    Console(width=Measurement.get(wide, wide.options, shown).maximum).print(shown)


def sweep_rows(comparison: Mapping[str, Any], metrics: Sequence[Metric]) -> list[tuple[str, str]]:
    """The results of a sweep: a row for each seed, one for each measure, one for the agreement.

    Args:
        comparison: the content of `sweep.json`.
        metrics: those of the task.
    """
    measures = comparison["measures"]
    rows = [
        (f"seed {seed}", measures_text(_of_seed(measures, str(seed)), metrics))
        for seed in comparison["seeds"]
    ]
    rows += [
        (metric.heading, _mean_and_std(measures[metric.key], metric))
        for metric in (metric_named(key, metrics) for key in measures)
    ]
    agreement = comparison["agreement"]
    if agreement["mean"] is not None:
        chance = f"{agreement['chance']:.2f} by chance"
        text = f"{agreement['mean']:.2f} of the variables, of a pair of seeds ({chance})"
        rows.append(("agreement", text))
    return rows


def _of_seed(measures: Mapping[str, Any], seed: str) -> dict[str, float]:
    values = {key: measure["values"] for key, measure in measures.items()}
    return {key: by_seed[seed] for key, by_seed in values.items() if seed in by_seed}


def _mean_and_std(measure: Mapping[str, Any], metric: Metric) -> str:
    std = "" if measure["std"] is None else f" ± {metric.number(measure['std'])}"
    return f"{metric.number(measure['mean'])}{std}"
