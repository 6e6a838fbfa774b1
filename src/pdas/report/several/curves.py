"""The searches of several runs in one panel, a line for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from pdas.report.html.elements import add, as_svg
from pdas.report.several.column import MOST, Column
from pdas.report.several.figures import add_rest
from pdas.support.arrays import FloatArray
from pdas.support.errors import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Style = tuple[str, str]  # the colour of a line, and its dashes
_Line = tuple[Mapping[str, FloatArray], _Style]

_SURE = {"decided": "share of θ decided, 1 at its bounds", "convergence": "mean of max θ"}
_LOSSES = {"theta_loss": "loss on the half that θ learns from", "loss": "loss of the weights"}
_STYLES = tuple(
    (colour, line)
    for line, colour in product(
        ("solid", "dashed", "dotted"), ("#2f5597", "#b06a10", "#2f7d4f", "#a0356f", "#30343b")
    )
)


def add_curves(body: Element, columns: Sequence[Column], kinds: Mapping[str, str]) -> None:
    """Add how far each search was decided, the losses, and which line is which.

    Args:
        body: of the page.
        columns: the runs; those without a course are left out.
        kinds: by the name of a run, whose line it is: runs of one kind look the same.
    """
    drawn = [column for column in columns if column.course][:MOST]
    if not drawn:
        return
    from pdas.drawing.panels import Panel, alone  # needs matplotlib

    present = list(dict.fromkeys(kinds[column.name] for column in drawn))
    styles = {kind: _STYLES[i % len(_STYLES)] for i, kind in enumerate(present)}
    end = max(float(column.course["step"].max(initial=0)) for column in drawn)
    add(body, "h2", "Course of the searches")
    grid = SubElement(body, "div", {"class": "panels"})
    lines = [(column.course, styles[kinds[column.name]]) for column in drawn]
    for key, title in _shown(drawn):
        panel = Panel(title, 1.0, partial(_draw, lines=lines, key=key))
        figure = SubElement(grid, "figure")
        add(figure, "figcaption", title)
        described = f"{title}, over the steps, of each run"
        figure.append(as_svg(alone(panel, "step", end), f"course-{key}", described))
    _add_legend(body, styles)
    add_rest(body, sum(bool(column.course) for column in columns) - len(drawn))


def _shown(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """How far theta is decided, and the loss that it learns from, where some run has them."""
    for kinds in (_SURE, _LOSSES):
        many = {key: sum(key in column.course for column in columns) for key in kinds}
        key = max(many, key=lambda key: many[key])  # the first of those that most runs have
        if many[key]:
            yield key, kinds[key]


def _draw(axes: Axes, lines: Sequence[_Line], key: str) -> None:
    from pdas.drawing.panels import points

    for course, (colour, line) in lines:
        if key in course:
            style = {"color": colour, "linestyle": line, "linewidth": 1.3, **points(course["step"])}
            axes.plot(course["step"], course[key], **style)
    if key in _SURE:
        axes.set_ylim(0, 1.02)


def _add_legend(body: Element, styles: Mapping[str, _Style]) -> None:
    from pdas.drawing.svg import dark

    listed = SubElement(body, "ul", {"class": "legend"})
    for kind, (colour, line) in styles.items():
        item = SubElement(listed, "li")
        pair = f"light-dark({colour}, {dark(colour)})"
        SubElement(item, "span", style=f"border-top: 3px {line} {pair}").tail = printable(kind)
