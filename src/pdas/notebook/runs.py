"""Views of what is in a directory: a run, a sweep, a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from pdas.comparing.paired import student_interval
from pdas.notebook.fragment import add_figure, add_rows, as_html, begin
from pdas.report.describe import Part, summarise
from pdas.report.html.elements import add, add_text
from pdas.report.parts.answer import answer
from pdas.report.parts.architecture import drawing_of
from pdas.report.reader import NamedTheta, Summary, read_metrics, read_summary, read_theta
from pdas.runs.run import Run
from pdas.support.display.shown import VIEWS
from pdas.support.errors import RunError
from pdas.support.metrics import Metric, metric_named, with_general
from pdas.tasks.results import metrics_of

if TYPE_CHECKING:  # they import torch
    from pdas.comparing.results import Comparison
    from pdas.experiment.sweep import Sweep

Values = tuple[str, Sequence[float], tuple[float, float] | None]
"""The name of a row, its values, and the interval of their mean."""


@VIEWS.named("Run")
def run_view(run: Run) -> str:
    """The answer of its report, the drawing, the curves and the figures.

    Args:
        run: the directory, which may be unfinished, damaged or not there.
    """
    body = begin("Run", str(run.path))
    summary = read_summary(run.path, lenient=True)
    try:
        theta = read_theta(run) if run.has("theta.npz") else None
        add_text(body, "p", " ".join(answer(summary, theta)))
        drawing = drawing_of(summary, theta)
        if drawing is not None:
            add_figure(body, drawing.figure, drawing.caption)
        _add_curves(body, summary, theta)
    except RunError as error:  # the rest is shown
        add(body, "p", str(error))
    said: tuple[Part, ...] = ("next", "architecture")  # in the answer and the drawing
    add_rows(body, "figures", summarise(summary, without=said))
    return as_html(body)


@VIEWS.named("Sweep")
def sweep_view(done: Sweep) -> str:
    """The measures over the seeds, the first one drawn, and how far the architectures agree.

    Args:
        done: the sweep.
    """
    found = done.comparison
    seeds = ", ".join(map(str, found.get("seeds", ()))) or "none"
    body = begin("Sweep", str(done.path), f"finished seeds: {seeds}")
    measured = [(metric_named(key, with_general(_metrics(done))), m) for key, m in _measures(done)]
    for metric, measure in measured[:1]:
        values = [float(value) for value in measure["values"].values()]
        _add_spreads(body, [("all seeds", values, student_interval(values))], metric)
    add_rows(
        body,
        f"{len(measured)} measures",
        [(m.heading, m.number(s["mean"]), _deviation(m, s["std"])) for m, s in measured],
        ("measure", "mean", "deviation"),
    )
    majority = found.get("agreement", {}).get("majority", {})
    rows = [
        (name, each["category"], f"{100 * each['share']:.0f} %") for name, each in majority.items()
    ]
    title = f"Agreement in {len(rows):,} variables"
    add_rows(body, title, rows, ("variable", "most often", "share of the seeds"))
    failed = [(f"seed {seed}", why) for seed, why in done.failed.items()]
    add_rows(body, "failed", failed, ("failed", "error"))
    return as_html(body)


@VIEWS.named("Comparison")
def comparison_view(done: Comparison) -> str:
    """The table of the methods, and what is settled.

    Args:
        done: the comparison.
    """
    from pdas.comparing.table import headings, row_texts, sentences

    first, *_ = sentences(done)
    body = begin("Comparison", str(done.path))
    add(body, "p", first)
    rows = [(row.name, list(row.values.values()), row.interval) for row in done.rows]
    _add_spreads(body, rows, done.metric)
    add_rows(body, "methods", [row_texts(done, row) for row in done.rows], headings(done))
    failed = [(f"{row}, seed {seed}", why) for (row, seed), why in done.failed.items()]
    add_rows(body, "failed", failed, ("failed", "error"))
    return as_html(body)


def _metrics(done: Sweep) -> Sequence[Metric]:
    """Those of the task, from the first seed that has settings."""
    for seed in done.comparison.get("seeds", ()):
        with suppress(RunError):
            return metrics_of(Run(done.path / f"seed-{seed}").raw_config()["recipe"])
    return ()


def _measures(done: Sweep) -> list[tuple[str, Mapping[str, Any]]]:
    return list(done.comparison.get("measures", {}).items())


def _deviation(metric: Metric, value: float | None) -> str:
    return "" if value is None else metric.number(value)


def _add_spreads(body: Element, rows: Sequence[Values], metric: Metric) -> None:
    """Add the values of each row with the interval of their mean, where there are any."""
    from pdas.drawing.spread_plot import Spread, spread_figure  # needs matplotlib

    spreads = [Spread(*row) for row in rows if row[1]]
    if spreads:
        words = ", ".join(f"{each.name}: {len(each.values)} values" for each in spreads)
        add_figure(body, spread_figure(spreads, metric.heading), f"{metric.heading}; {words}")


def _add_curves(body: Element, summary: Summary, theta: NamedTheta | None) -> None:
    """Add the course of the search, or of the retraining."""
    from pdas.drawing.course_plot import course_axis, course_panels
    from pdas.drawing.panels import stacked
    from pdas.drawing.search_plot import search_figure

    if not summary.run.has("metrics.csv"):
        return
    columns = read_metrics(summary.run)
    if summary.run.stage == "search":
        history = None if theta is None else theta.history
        add_figure(body, search_figure(history, columns, summary.metrics), "Course of the search")
        return
    axis = course_axis(columns)
    end = float(columns[axis].max(initial=0))
    figure = stacked(course_panels(columns, summary.metrics), axis, end)
    add_figure(body, figure, "Course of the retraining")
