"""The architecture: drawn as its family draws it, or as its modules, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from pdas.report.describe import architecture_text
from pdas.report.html.elements import add, add_drawing, add_folded
from pdas.report.parts.own_network import own_drawing
from pdas.report.reader import NamedTheta, Summary
from pdas.runs.run import Run
from pdas.spaces.base import Drawing, family_of
from pdas.support.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "architecture.svg"


def add_architecture(body: Element, summary: Summary, theta: NamedTheta | None) -> None:
    """Add the drawing, which is kept in `architecture.svg` too, and the words.

    Args:
        body: of the page.
        summary: of the run.
        theta: of its search; None where there is none.

    Raises:
        RunError: the file cannot be written, or `modules.json` is damaged.
    """
    labels = summary.architecture
    drawing = drawing_of(summary, theta)
    if labels or drawing:
        add(body, "h2", "Architecture" if labels else "The network, where nothing is chosen yet")
    if drawing:
        _keep(drawing.figure, summary.run)
        add_drawing(body, drawing.figure, "architecture", drawing.caption)
    if labels:
        folded = add_folded(body, "In words", is_open=drawing is None)
        add(folded, "pre", architecture_text(labels))


def drawing_of(summary: Summary, theta: NamedTheta | None) -> Drawing | None:
    """The drawing of what a run has found; None if there is no way.

    Args:
        summary: of the run.
        theta: of its search; None where there is none.

    Raises:
        RunError: `modules.json` is damaged.
    """
    labels = summary.architecture
    if (own := own_drawing(summary.run, labels, theta)) is not None:
        return own
    family = family_of(labels) if labels else None
    return None if family is None else family.drawing(labels, image_size(summary.recipe))


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
