"""The architecture: drawn as its family draws it, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from pdas.report.describe import architecture_text
from pdas.report.html.elements import add, add_drawing, add_folded
from pdas.report.reader import Summary
from pdas.runs.run import Run
from pdas.spaces.base import family_of
from pdas.support.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "architecture.svg"


def add_architecture(body: Element, summary: Summary) -> None:
    """Add the drawing, which is kept in `architecture.svg` too, and the words.

    Args:
        body: of the page.
        summary: of the run.

    Raises:
        RunError: the file cannot be written.
    """
    labels = summary.architecture
    if not labels:
        return
    add(body, "h2", "Architecture")
    family = family_of(labels)
    drawing = family and family.drawing(labels, image_size(summary.recipe))
    if drawing:
        _keep(drawing.figure, summary.run)
        add_drawing(body, drawing.figure, "architecture", drawing.caption)
    folded = add_folded(body, "In words", is_open=drawing is None)
    add(folded, "pre", architecture_text(labels))


def image_size(recipe: Mapping[str, object]) -> int | None:
    """Pixels a side of the images of a recipe, if it says so.

    Args:
        recipe: its settings.
    """
    data = recipe.get("data")
    size = data.get("image_size") if isinstance(data, Mapping) else None
    return size if isinstance(size, int) and size > 0 else None


def _keep(figure: Figure, run: Run) -> None:
    from pdas.drawing.svg import svg_text  # needs matplotlib

    with atomic_write(run.path / FILE) as file:
        file.write(svg_text(figure).encode())
