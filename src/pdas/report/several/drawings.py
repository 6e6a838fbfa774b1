"""The architectures of several runs side by side, each drawn once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from xml.etree.ElementTree import Element, SubElement

from pdas.report.describe import architecture_text
from pdas.report.html.elements import add, add_scroll, as_svg
from pdas.report.parts.architecture import drawing_of
from pdas.report.reader import read_theta
from pdas.report.several.column import Column
from pdas.spaces.base import Drawing
from pdas.support.errors import RunError

MOST_DRAWN = 12


def add_drawings(
    body: Element, columns: Sequence[Column], name: str, most: int = MOST_DRAWN
) -> None:
    """Add a row that scrolls, a drawing for each architecture with the names of its runs.

    Args:
        body: of the page.
        columns: the runs; those without an architecture are left out.
        name: another one for each row of a page, a word.
        most: architectures that are drawn.
    """
    distinct = _distinct(columns)
    if not distinct:
        return
    runs = ", ".join(column.name for same in distinct[:most] for column in same)
    row = SubElement(add_scroll(body, f"architectures of {runs}"), "div", {"class": "row"})
    for number, same in enumerate(distinct[:most]):
        figure = SubElement(row, "figure")
        add(figure, "figcaption", ", ".join(column.name for column in same))
        _draw(figure, same[0], f"{name}-{number}")
    if (more := len(distinct) - most) > 0:
        add(body, "p", f"{more:,} more architectures are not drawn.").set("class", "note")


def _draw(figure: Element, column: Column, name: str) -> None:
    drawing = None
    with suppress(RunError):  # a damaged file leaves the words
        drawing = _drawing(column)
    if drawing is not None:
        figure.append(as_svg(drawing.figure, name, f"{column.name}: {drawing.caption}"))
    else:
        add(figure, "pre", architecture_text(column.architecture))


def _drawing(column: Column) -> Drawing | None:
    summary = column.summary
    if summary is None:
        return None
    has_theta = summary.is_own_network and summary.run.has("theta.npz")
    return drawing_of(summary, read_theta(summary.run) if has_theta else None)


def _distinct(columns: Sequence[Column]) -> list[list[Column]]:
    """Runs with the same architecture together."""
    found: list[list[Column]] = []
    for column in columns:
        if not column.architecture:
            continue
        same = next((some for some in found if some[0].architecture == column.architecture), None)
        if same is None:
            found.append([column])
        else:
            same.append(column)
    return found
