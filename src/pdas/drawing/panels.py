"""Panels above each other with one horizontal axis, as the plots of a run have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def stacked(heights: Sequence[float], label: str, end: float) -> tuple[Figure, list[Axes]]:
    """A figure of empty panels above each other.

    Args:
        heights: of the panels, from the top.
        label: of the horizontal axis, which counts something from 0.
        end: where it ends.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(
        6.8, round(_INCH * sum(heights), 2), layout=ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.12)
    )
    grid = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    panels: list[Axes] = list(grid[:, 0])
    for each in panels:
        _quieten(each)
    last = panels[-1]
    last.set_xlabel(label, color=INK, fontproperties=font(TEXT))
    last.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    last.set_xlim(0, max(end, 1))
    return figure, panels


def draw_measure(axes: Axes, x: FloatArray, values: FloatArray, measure: Metric) -> None:
    """Draw a measure over the course of a training; the axis reaches down to 0, or below.

    Args:
        axes: of `stacked`.
        x: as of the horizontal axis.
        values: one for each x; those that are not finite are left out.
        measure: names them.
    """
    from matplotlib.ticker import MaxNLocator

    axes.plot(x, values, color=INK, linewidth=1.2, **points(x))
    finite = values[np.isfinite(values)]
    lowest = 1.1 * min(finite, default=0.0)
    axes.set_ylim(min(lowest, 0.0), 1.1 * max(finite[finite > 0], default=1.0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    add_title(axes, measure.heading)


def add_title(axes: Axes, text: str) -> None:
    """Write above a panel what it shows."""
    axes.set_title(text, loc="left", color=INK, fontproperties=font(TEXT + 0.5))


def points(x: FloatArray) -> dict[str, Any]:
    """The look of a line by which one sees a single value, which makes no line."""
    return {"marker": "o", "markersize": 4, "clip_on": False} if len(x) == 1 else {}


def _quieten(axes: Axes) -> None:
    """No frame, faint grid lines, small grey numbers."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0, labelsize=TEXT, labelfontfamily="DejaVu Sans")
