"""The shapes that drawings of networks are made of, in axes whose unit is an inch."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from pdas.drawing.style import INK, MUTED, Colour, font, new_figure, text_width

TEXT = 8.5  # points, in boxes: 11 pixels of CSS, the least that a page has
CAPTION_TEXT = 8.25
TITLE_TEXT = 10.5

Point = tuple[float, float]
Dashes = str | tuple[float, tuple[float, float]]


def new_drawing(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure, and axes that fill it and whose unit is an inch.

    Args:
        width, height: in inches.
    """
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def add_box(
    axes: Axes,
    centre: Point,
    size: Point,
    face: Colour | str,
    edge: str,
    dashes: Dashes = "solid",
) -> None:
    """Add a rectangle with round corners.

    Args:
        axes: of `new_drawing`.
        centre, size: in inches.
        face, edge: its colours.
        dashes: of the edge, as matplotlib names them.
    """
    (x, y), (width, height) = centre, size
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.07",
            facecolor=face,
            edgecolor=edge,
            linewidth=0.9,
            linestyle=dashes,
        )
    )


def add_label(
    axes: Axes,
    middle: Point,
    text: str,
    colour: str = INK,
    size: float = TEXT,
    side: str = "center",
) -> None:
    """Add a line of text.

    All texts at one height have the same baseline, so that lines look level.

    Args:
        axes: of `new_drawing`.
        middle: where it is, in inches.
        text: a single line.
        colour: of the text.
        size: in points.
        side: "center", or the side of the text that is at `middle`.
    """
    axes.text(
        middle[0],
        middle[1] - 0.36 * size / 72,
        text,
        color=colour,
        fontproperties=font(size),
        horizontalalignment=side,
        parse_math=False,
    )


def add_title(axes: Axes, corner: Point, title: str, note: str = "") -> None:
    """Add a title, and a note behind it.

    Args:
        axes: of `new_drawing`.
        corner: where the baseline of the title begins, in inches.
        title: in bold.
        note: small and grey.
    """
    x, y = corner
    bold = font(TITLE_TEXT, "bold")
    axes.text(x, y, title, color=INK, fontproperties=bold)
    x += text_width(title, bold) + 0.2
    axes.text(x, y, note, color=MUTED, fontproperties=font(CAPTION_TEXT))


def add_caption(axes: Axes, corner: Point, lines: Sequence[str], pitch: float) -> None:
    """Add lines of small text.

    Args:
        axes: of `new_drawing`.
        corner: where the baseline of the last line begins, in inches.
        lines: from the top.
        pitch: the distance of two lines, in inches.
    """
    x, y = corner
    for i, line in enumerate(reversed(lines)):
        axes.text(x, y + i * pitch, line, color=MUTED, fontproperties=font(CAPTION_TEXT))


def add_arrow(axes: Axes, points: Sequence[Point], colour: str, thickness: float = 0.9) -> None:
    """Add an arrow along straight lines.

    Args:
        axes: of `new_drawing`.
        points: from the tail to the head, in inches.
        colour: of the line and the head.
        thickness: in points.
    """
    axes.add_patch(
        FancyArrowPatch(
            path=Path(points),
            arrowstyle="-|>,head_width=2,head_length=4",
            shrinkA=0,
            shrinkB=0,
            color=colour,
            linewidth=thickness,
        )
    )
