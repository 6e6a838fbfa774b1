"""The architectures of several runs side by side, each drawn once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from pdas.report.describe import architecture_text
from pdas.report.html.elements import add, add_scroll, as_svg
from pdas.report.parts.architecture import image_size
from pdas.report.several.column import Column
from pdas.spaces.base import family_of

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
    labels: Mapping[str, object] = column.architecture
    family = family_of(labels)
    drawing = family and family.drawing(labels, image_size(column.recipe))
    if drawing:
        figure.append(as_svg(drawing.figure, name, f"{column.name}: {drawing.caption}"))
    else:
        add(figure, "pre", architecture_text(labels))


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
