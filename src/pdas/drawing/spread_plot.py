"""The plot of values over seeds: a row for each method, a dot for each value, and an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from pdas.drawing.panels import TEXT
from pdas.drawing.style import BLUE, FAINT, INK, MUTED, font, new_figure, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 40  # rows
_LETTERS = 30  # of a name
_WIDTH, _ROW = 3.6, 0.3  # inches, of the plot without the names, and of a row


@dataclass(frozen=True)
class Spread:
    """The values of a row.

    Attributes:
        name: of the row.
        values: one at least.
        interval: of their mean; None where there is none.

    Example:
        Spread("pdas", [2.1, 2.4, 2.2], (1.9, 2.6))
    """

    name: str
    values: Sequence[float]
    interval: tuple[float, float] | None = None


def spread_figure(spreads: Sequence[Spread], heading: str) -> Figure:
    """A row for each, from above: dots, their mean, and the interval of the mean as a line.

    Args:
        spreads: the rows, one at least; those beyond `MOST` are left out.
        heading: what the values are, with their unit.
    """
    shown = spreads[:MOST]
    names = [each.name[:_LETTERS] for each in shown]
    left = max(text_width(name, font(TEXT)) for name in names) + 0.3
    width, height = left + _WIDTH, _ROW * len(shown) + 0.65
    figure = new_figure(width, height)
    axes = figure.add_axes((left / width, 0.55 / height, (_WIDTH - 0.2) / width, 1 - 0.6 / height))
    for y, each in enumerate(shown):
        middle = mean(each.values)
        if each.interval is not None:
            axes.plot(each.interval, [y, y], color=BLUE, linewidth=2.4, solid_capstyle="butt")
        axes.plot(each.values, [y] * len(each.values), "o", color=MUTED, markersize=3.5)
        axes.plot([middle], [y], "|", color=BLUE, markersize=11, markeredgewidth=2)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), names)
    axes.set_xlabel(heading, color=INK, fontproperties=font(TEXT))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0, labelsize=TEXT, labelfontfamily="DejaVu Sans")
    axes.locator_params(axis="x", nbins=5)
    return figure
