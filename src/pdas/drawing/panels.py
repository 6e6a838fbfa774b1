"""Panels that share a horizontal axis: stacked in one figure, or each in a figure of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdas.drawing.style import FAINT, INK, MUTED, font, new_figure
from pdas.support.arrays import FloatArray
from pdas.support.metrics import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Columns = Mapping[str, FloatArray]  # of `metrics.csv`, by name

TEXT = 8.5  # points
SMALL, LARGE = 1.4, 2.8  # heights of panels
_INCH = 6.0 / 8.2  # of height, for each unit of the heights of panels
_WIDE, _NARROW = 6.8, 358 / 96  # inches, of panels in one figure, and of one in a column of a page


@dataclass(frozen=True)
class Panel:
    """A plot of something over the course of a training.

    Attributes:
        title: what it shows.
        height: `SMALL`, `LARGE` or another one.
        draw: draws it into axes.

    Example:
        stacked([measure_panel(steps, values, metric)], "step", 880)
    """

    title: str
    height: float
    draw: Callable[[Axes], None]


def stacked(panels: Sequence[Panel], label: str, end: float) -> Figure:
    """A figure of panels above each other, each below its title.

    Args:
        panels: from the top.
        label: of the horizontal axis, which counts something from 0.
        end: where it ends.
    """
    heights = [panel.height for panel in panels]
    figure, axes = _empty(_WIDE, round(_INCH * sum(heights), 2), heights, label, end)
    for panel, each in zip(panels, axes, strict=True):
        panel.draw(each)
        each.set_title(panel.title, loc="left", color=INK, fontproperties=font(TEXT + 0.5))
    return figure


def alone(panel: Panel, label: str, end: float) -> Figure:
    """A panel as a narrow figure, as wide as a phone, without its title.

    Args:
        panel: what is drawn.
        label: of the horizontal axis, which counts something from 0.
        end: where it ends.
    """
    figure, (axes,) = _empty(_NARROW, 2.1, [1.0], label, end)
    panel.draw(axes)
    return figure


def measure_panel(x: FloatArray, values: FloatArray, measure: Metric, height: float) -> Panel:
    """A measure over the course of a training; the vertical axis reaches down to 0, or below.

    Args:
        x: as of the horizontal axis.
        values: one for each x; those that are not finite are left out.
        measure: names them.
        height: of the panel.
    """

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.plot(x, values, color=INK, linewidth=1.2, **points(x))
        finite = values[np.isfinite(values)]
        lowest = 1.1 * min(finite, default=0.0)
        axes.set_ylim(min(lowest, 0.0), 1.1 * max(finite[finite > 0], default=1.0))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))

    return Panel(measure.heading, height, draw)


def points(x: FloatArray) -> dict[str, Any]:
    """The look of a line by which one sees a single value, which makes no line."""
    return {"marker": "o", "markersize": 4, "clip_on": False} if len(x) == 1 else {}


def _empty(
    width: float, height: float, heights: Sequence[float], label: str, end: float
) -> tuple[Figure, list[Axes]]:
    """A figure, in inches, of axes above each other."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator

    layout = ConstrainedLayoutEngine(w_pad=0.2 if width == _WIDE else 0.08, h_pad=0.12)
    figure = new_figure(width, height, layout=layout)
    grid = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    panels: list[Axes] = list(grid[:, 0])
    for each in panels:
        _quieten(each)
    last = panels[-1]
    last.set_xlabel(label, color=INK, fontproperties=font(TEXT))
    last.xaxis.set_major_locator(MaxNLocator(nbins=8 if width == _WIDE else 5, integer=True))
    last.set_xlim(0, max(end, 1))
    return figure, panels


def _quieten(axes: Axes) -> None:
    """No frame, faint grid lines, small grey numbers."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0, labelsize=TEXT, labelfontfamily="DejaVu Sans")
