"""Curves over the course of a search or of a retraining, side by side where there is room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from pdas.report.html.elements import add, as_svg
from pdas.report.reader import NamedTheta, Summary, read_metrics
from pdas.runs.run import Run

if TYPE_CHECKING:
    from pdas.drawing.panels import Panel


def add_search_curves(body: Element, summary: Summary, theta: NamedTheta | None) -> None:
    """Add how far theta was decided, what else the method measured, and the losses.

    Args:
        body: of the page.
        summary: of the run.
        theta: of its search; None where there is none.

    Raises:
        RunError: `metrics.csv` is damaged.
    """
    if not summary.run.has("metrics.csv"):
        return
    from pdas.drawing.search_plot import search_end, search_panels  # needs matplotlib

    metrics = read_metrics(summary.run)
    history = None if theta is None else theta.history
    panels = search_panels(history, metrics, summary.metrics)
    add(body, "h2", "Course of the search")
    _add_panels(body, panels, "search", "step", search_end(history, metrics))


def add_course(body: Element, summary: Summary, name: str) -> None:
    """Add the losses and the measures of a retraining, where they are known.

    Args:
        body: of the page.
        summary: of the run.
        name: of the retraining.

    Raises:
        RunError: its `metrics.csv` is damaged.
    """
    retraining = Run(summary.run.path / name)
    if not retraining.has("metrics.csv"):
        return
    from pdas.drawing.course_plot import course_axis, course_panels  # needs matplotlib

    metrics = read_metrics(retraining)
    axis = course_axis(metrics)
    add(body, "h3", f"Course of {name}")
    panels = course_panels(metrics, summary.metrics)
    _add_panels(body, panels, name, axis, float(metrics[axis].max(initial=0)))


def _add_panels(body: Element, panels: Iterable[Panel], name: str, label: str, end: float) -> None:
    from pdas.drawing.panels import alone

    grid = SubElement(body, "div", {"class": "panels"})
    for number, panel in enumerate(panels):
        figure = SubElement(grid, "figure")
        add(figure, "figcaption", panel.title)
        described = f"{panel.title}, over the {label}s"
        figure.append(as_svg(alone(panel, label, end), f"{name}-{number}", described))
