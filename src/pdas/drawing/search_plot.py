"""The plot of a search: how sure theta is, what else its method reports, and the losses.

It shows what there is: the panel of theta where the run has a history of theta, a small panel for
each measure that the method reports, such as eta, and the losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from pdas.drawing.style import BLUE, FAINT, GREY, INK, MUTED, ORANGE, font, new_figure, tint
from pdas.space.decided import ThetaHistory
from pdas.support.arrays import FloatArray
from pdas.support.metrics import Metric, hidden, metric_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Metrics = Mapping[str, FloatArray]

_TEXT = 8.0  # points
_INCH = 6.0 / 8.2  # of height, for each unit of the heights of panels
_THETA, _MEASURE, _LOSSES = 4, 1.4, 2.8  # heights of panels
_PROGRESS = {"step", "epoch", "seconds", "learning_rate"}  # of any training
_COLOURS = (BLUE, ORANGE, INK, GREY)


def search_figure(
    theta: ThetaHistory | None, metrics: Metrics, of_task: Sequence[Metric] = ()
) -> Figure:
    """Panels above each other: how far theta is decided, measures of the method, the losses.

    Args:
        theta: its history; None for a method that has none.
        metrics: the columns of `metrics.csv`, `step` among them.
        of_task: metrics of the task, which are none of the method.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator

    measures = method_measures(metrics, of_task, theta is not None)
    losses = [column for column in metrics if _is_loss(column)]
    heights = [*([_THETA] if theta else []), *(_MEASURE for _ in measures)]
    if losses or not heights:
        heights.append(_LOSSES)
    figure = new_figure(
        6.8, round(_INCH * sum(heights), 2), layout=ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.12)
    )
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    axes = iter(panels[:, 0])
    if theta:
        _draw_theta(next(axes), theta)
    for measure in measures:
        _draw_measure(next(axes), metrics["step"], metrics[measure.key], measure)
    for each in axes:
        _draw_losses(each, metrics, losses, "θ" if theta else "the method")
    for each in panels[:, 0]:
        _quieten(each)
    last = panels[-1, 0]
    last.set_xlabel("step", color=INK, fontproperties=font(_TEXT))
    last.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    last.set_xlim(0, max((theta.steps if theta else metrics["step"]).max(initial=0), 1))
    return figure


def method_measures(metrics: Metrics, of_task: Sequence[Metric], has_theta: bool) -> list[Metric]:
    """What the method of a search reports: the columns that are neither of training nor of a task.

    Args:
        metrics: the columns of `metrics.csv`.
        of_task: metrics of the task.
        has_theta: whether theta is drawn, and with it how far it is decided.
    """
    drawn = {"decided", "convergence"} if has_theta else hidden(metrics)
    known = {metric.key for metric in of_task} | drawn
    return [
        metric_named(column, of_task)
        for column in metrics
        # What is measured on either half of the data is of the task, described or not.
        if not (_is_loss(column) or column in _PROGRESS or f"theta_{column}" in metrics)
        and column.removeprefix("theta_") not in known | metrics.keys() - {column}
    ]


def _is_loss(column: str) -> bool:
    return column == "loss" or column.endswith("_loss")


def _draw_theta(axes: Axes, theta: ThetaHistory) -> None:
    lower, upper = np.quantile(theta.decided_by_variable, (0.25, 0.75), axis=1)
    axes.fill_between(theta.steps, lower, upper, color=tint(BLUE, 0.16), linewidth=0)
    axes.plot(theta.steps, theta.decided, color=BLUE, linewidth=1.6, **_points(theta.steps))
    axes.set_ylim(0, 1.02)
    _title(axes, "share of θ decided, 1 at its bounds; band between the quartiles of the variables")


def _draw_measure(axes: Axes, steps: FloatArray, values: FloatArray, measure: Metric) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(steps, values, color=INK, linewidth=1.2, **_points(steps))
    finite = values[np.isfinite(values)]
    lowest = 1.1 * min(finite, default=0.0)
    axes.set_ylim(min(lowest, 0.0), 1.1 * max(finite[finite > 0], default=1.0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    _title(axes, measure.heading)


def _draw_losses(axes: Axes, metrics: Metrics, losses: Sequence[str], learner: str) -> None:
    halves = {"loss": "half that trains the weights", "theta_loss": f"half that trains {learner}"}
    for column, colour in zip(losses, cycle(_COLOURS), strict=False):
        label = halves.get(column) or metric_named(column, ()).label
        look = {"color": colour, "linewidth": 1.4, "label": label, **_points(metrics["step"])}
        axes.plot(metrics["step"], metrics[column], **look)
    if losses:
        axes.legend(
            prop=font(_TEXT),
            labelcolor=INK,
            frameon=False,
            ncols=2,
            loc="lower right",
            bbox_to_anchor=(1, 1),  # beside the title
            borderpad=0,
        )
    _title(axes, "loss, on either half of the data" if "theta_loss" in losses else "loss")


def _points(steps: FloatArray) -> dict[str, Any]:
    """Something to see where a single value makes no line."""
    return {"marker": "o", "markersize": 4, "clip_on": False} if len(steps) == 1 else {}


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", color=INK, fontproperties=font(_TEXT + 0.5))


def _quieten(axes: Axes) -> None:
    """No frame, faint grid lines, small grey numbers."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0, labelsize=_TEXT, labelfontfamily="DejaVu Sans")
