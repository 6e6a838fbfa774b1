"""The report of a run: one small HTML page that needs nothing beside itself.

It is built as a tree and written by the library, which escapes every text and attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from xml.etree.ElementTree import Element

from pdas.drawing.svg import svg_text
from pdas.report.describe import architecture_rows, architecture_text, summarise
from pdas.report.html.elements import add, add_picture, add_svg, add_table
from pdas.report.html.page import begin_page, write_page
from pdas.report.parts.check import add_check
from pdas.report.parts.controls import add_controls
from pdas.report.parts.finalists import add_finalists
from pdas.report.parts.retrainings import add_retrainings
from pdas.report.reader import Summary, read_summary
from pdas.report.values import flattened
from pdas.runs.run import Run
from pdas.space.decided import NOTHING_LEARNED
from pdas.spaces.base import family_of
from pdas.support.files import atomic_write


def write_report(run_dir: str | PathLike[str]) -> Path:
    """Write the `report.html` of a run, with whatever there is.

    The pictures are drawn anew: that of the architecture, `convergence.png`, and those of the task
    in each retraining.

    Args:
        run_dir: the run directory.

    Returns:
        The path of the page.

    Raises:
        RunError: the directory is no run, or one of its files is damaged.
    """
    summary = read_summary(run_dir)
    path = summary.run.path / "report.html"
    write_page(_page(summary), path)
    return path


def _page(summary: Summary) -> Element:
    run = summary.run
    html, body = begin_page(run.name)
    add(body, "h1", run.name)
    if description := summary.recipe.get("description"):
        add(body, "p", str(description)).set("class", "note")
    add_table(body, summarise(summary))
    labels = [label for label, _ in architecture_rows(summary.architecture)]
    add_retrainings(body, summary, elsewhere=labels)
    add_controls(body, summary)
    _add_architecture(body, summary)
    _add_search(body, run)
    add_finalists(body, run)
    add_check(body, run)
    _add_settings(body, "Settings", {**summary.recipe, **summary.others})
    _add_settings(body, "Versions and hardware", summary.environment)
    return html


def _add_architecture(body: Element, summary: Summary) -> None:
    labels = summary.architecture
    if not labels:
        return
    add(body, "h2", "Architecture")
    if summary.nothing_learned:
        add(body, "p", NOTHING_LEARNED).set("class", "note")
    family = family_of(labels)
    drawing = family and family.drawing(labels, _image_size(summary.recipe))
    if drawing:
        text = svg_text(drawing.figure)
        with atomic_write(summary.run.path / "architecture.svg") as file:
            file.write(text.encode())
        add_svg(body, text, "architecture", drawing.caption)
    add(body, "pre", architecture_text(labels))


def _add_search(body: Element, run: Run) -> None:
    if not run.has("metrics.csv"):
        return
    from pdas.report.convergence import plot_convergence  # needs matplotlib

    has_theta = run.has("theta.npz")
    shown = "Share of θ decided, learning rate" if has_theta else "What the method reports"
    add(body, "h2", "Search")
    add_picture(body, plot_convergence(run.path), f"{shown} and losses")


def _add_settings(body: Element, title: str, settings: Mapping[str, object]) -> None:
    if settings:
        add(body, "h2", title)
        add_table(body, flattened(settings).items())


def _image_size(recipe: Mapping[str, object]) -> int | None:
    """Pixels a side of the images of a recipe, if it says so."""
    data = recipe.get("data")
    size = data.get("image_size") if isinstance(data, Mapping) else None
    return size if isinstance(size, int) and size > 0 else None
