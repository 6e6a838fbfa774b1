"""The picture of a normal and a reduction cell.

`geometry` says where everything stands; here it gets its look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path as Curve

from pdas.drawing.shapes import (
    CAPTION_TEXT,
    TEXT,
    Dashes,
    add_arrow,
    add_box,
    add_caption,
    add_label,
    add_title,
    new_drawing,
)
from pdas.drawing.style import (
    FAINT,
    GREY,
    INK,
    MUTED,
    PALE,
    Colour,
    font,
    text_width,
    tint,
)
from pdas.space import Assignment
from pdas.spaces.cells.geometry import RADIUS, Box, CellLayout, Point, lay_out
from pdas.spaces.cells.graph import Cell, read_cell
from pdas.spaces.cells.space import CELL_INPUTS, CELL_TYPES

_MARGIN = 0.35  # inches, around and between the cells
_PADDING = 0.12  # left and right of the text of a box
_TITLE = 0.45  # height of a cell's title
_LINE = 0.16  # height of a line of the caption
_ARROW = 0.3  # length of the arrow out of a cell
_TITLES = {
    "normal": ("Normal cell", ""),
    "reduction": ("Reduction cell", "operations on prev_prev and prev have stride 2"),
}
_CAPTION = (
    "prev is the output of the previous cell, prev_prev that of the cell before it.",
    "A circle is a node: it adds the outputs of its two operations.",
)
_COLOURS = {
    "identity": "#868d97",
    "sep_conv_3x3": "#5b8fc7",
    "sep_conv_5x5": "#2f4f8f",
    "avg_pool_3x3": "#d3973a",
    "max_pool_3x3": "#bf5449",
}
_FURTHER = ("#4f9a86", "#8a6bb1", "#b5667f", "#7d8c3f", "#a0704a", "#3f8ea3")


def cells_figure(architecture: Assignment) -> Figure:
    """The normal cell above the reduction cell.

    Args:
        architecture: for which `is_cell` holds.
    """
    cells = [read_cell(architecture, name) for name in CELL_TYPES]
    box_width = _box_width(cells)
    layouts = [lay_out(cell, box_width) for cell in cells]
    widths = [layout.width + _ARROW for layout in layouts]
    widths += [text_width(line, font(CAPTION_TEXT)) for line in _CAPTION]
    heights = [_TITLE + layout.top - layout.bottom + _MARGIN for layout in layouts]
    width = max(widths) + 2 * _MARGIN
    height = sum(heights) + len(_CAPTION) * _LINE + 2 * _MARGIN
    figure, axes = new_drawing(width, height)
    colours = operation_colours(edge.operation for cell in cells for edge in cell.edges)
    top = height - _MARGIN
    for name, layout, taken in zip(CELL_TYPES, layouts, heights, strict=True):
        add_title(axes, (_MARGIN, top - 0.13), *_TITLES[name])
        _Brush(axes, (_MARGIN, top - _TITLE - layout.top), colours).draw(layout)
        top -= taken
    add_caption(axes, (_MARGIN, _MARGIN), _CAPTION, _LINE)
    return figure


def operation_colours(operations: Iterable[str]) -> dict[str, str]:
    """A colour for each operation: fixed for those of the paper, one after the other for others.

    Args:
        operations: the names.
    """
    others = sorted(set(operations) - set(_COLOURS))
    return _COLOURS | {name: _FURTHER[i % len(_FURTHER)] for i, name in enumerate(others)}


def _box_width(cells: list[Cell]) -> float:
    texts = {*CELL_INPUTS, *(_readable(edge.operation) for cell in cells for edge in cell.edges)}
    return max(text_width(text, font(TEXT)) for text in texts) + 2 * _PADDING


def _readable(operation: str) -> str:
    """`sep_conv_3x3` as "sep conv 3x3", with a multiplication sign."""
    return re.sub(r"(?<=\d)x(?=\d)", "\N{MULTIPLICATION SIGN}", operation).replace("_", " ")


class _Brush:
    """Draws a layout into axes whose unit is an inch, with its origin at some point."""

    def __init__(self, axes: Axes, origin: Point, colours: Mapping[str, str]) -> None:
        self._axes = axes
        self._origin = origin
        self._colours = colours

    def draw(self, layout: CellLayout) -> None:
        used = {wire.source for wire in layout.wires}
        for wire in layout.wires:
            self._curve(wire.points, wire.operation)
        for (node, _), box in layout.operations.items():
            circle = layout.nodes[node]
            ends = ((box.x + box.width / 2, box.y), (circle.x - RADIUS, circle.y))
            self._curve(ends, box.text)
            colour = self._colours[box.text]
            self._box(box, tint(colour, 0.11), colour)
        for name, box in layout.inputs.items():
            if name in used:
                self._box(box, PALE, GREY)
            else:
                self._box(box, "white", FAINT, text=MUTED)
        for circle in layout.nodes.values():
            patch = Circle(self._at(circle.x, circle.y), RADIUS, facecolor="white", edgecolor=INK)
            self._axes.add_patch(patch)
            self._text(circle, INK)
        self._box(layout.output, PALE, GREY)
        self._arrow(layout.output)

    def _at(self, x: float, y: float) -> Point:
        return x + self._origin[0], y + self._origin[1]

    def _curve(self, points: Sequence[Point], operation: str | None) -> None:
        """A wire in the colour of its operation, or to the output."""
        at = [self._at(*point) for point in points]
        corners, codes = [at[0]], [Curve.MOVETO]
        for i, (start, end) in enumerate(pairwise(at)):
            if i % 2 == 0:
                middle = (start[0] + end[0]) / 2
                corners += [(middle, start[1]), (middle, end[1]), end]
                codes += [Curve.CURVE4] * 3
            else:
                corners.append(end)
                codes.append(Curve.LINETO)
        self._axes.add_patch(
            PathPatch(
                Curve(corners, codes),
                fill=False,
                edgecolor=GREY if operation is None else self._colours[operation],
                linewidth=0.9 if operation is None else 1.25,
                linestyle=_line_style(operation),
                capstyle="butt",
            )
        )

    def _box(self, box: Box, face: Colour | str, edge: str, text: str = INK) -> None:
        size = (box.width, box.height)
        add_box(self._axes, self._at(box.x, box.y), size, face, edge, _line_style(box.text))
        self._text(box, text)

    def _text(self, box: Box, colour: str) -> None:
        text = _readable(box.text) if box.text not in CELL_INPUTS else box.text
        add_label(self._axes, self._at(box.x, box.y), text, colour)

    def _arrow(self, output: Box) -> None:
        right = output.x + output.width / 2
        points = (self._at(right, output.y), self._at(right + _ARROW, output.y))
        add_arrow(self._axes, points, GREY)


def _line_style(operation: str | None) -> Dashes:
    return (0.0, (3.0, 2.0)) if operation == "identity" else "solid"
