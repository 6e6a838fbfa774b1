"""The plot of a search: how sure theta is, what else its method reports, and the losses.

It shows what there is: the panel of theta where the run has a history of theta, a small panel for
each measure that the method reports, such as eta, and the losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from pdas.drawing.panels import (
    LARGE,
    SMALL,
    TEXT,
    Columns,
    Panel,
    measure_panel,
    points,
    stacked,
)
from pdas.drawing.style import BLUE, GREY, INK, ORANGE, font, tint
from pdas.space.decided import ThetaHistory
from pdas.support.metrics import Metric, hidden, metric_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THETA = 4  # the height of its panel
_DECIDED = "share of θ decided, 1 at its bounds; band between the quartiles of the variables"
_PROGRESS = {"step", "epoch", "seconds", "learning_rate"}  # of any training
_COLOURS = (BLUE, ORANGE, INK, GREY)


def search_figure(
    theta: ThetaHistory | None, metrics: Columns, of_task: Sequence[Metric] = ()
) -> Figure:
    """The panels of a search above each other.

    Args:
        theta: see `search_panels`, as for all arguments.
        metrics: see `search_panels`.
        of_task: see `search_panels`.
    """
    return stacked(search_panels(theta, metrics, of_task), "step", search_end(theta, metrics))


def search_end(theta: ThetaHistory | None, metrics: Columns) -> float:
    """The last step that is drawn.

    Args:
        theta: see `search_panels`.
        metrics: see `search_panels`.
    """
    return float((theta.steps if theta else metrics["step"]).max(initial=0))


def search_panels(
    theta: ThetaHistory | None, metrics: Columns, of_task: Sequence[Metric] = ()
) -> list[Panel]:
    """How far theta is decided, each measure of the method, and the losses.

    Args:
        theta: its history; None for a method that has none.
        metrics: the columns of `metrics.csv`, `step` among them.
        of_task: metrics of the task, which are none of the method.
    """
    measures = method_measures(metrics, of_task, theta is not None)
    losses = [column for column in metrics if _is_loss(column)]
    panels = [Panel(_DECIDED, _THETA, partial(_draw_theta, theta=theta))] if theta else []
    panels += [
        measure_panel(metrics["step"], metrics[measure.key], measure, SMALL) for measure in measures
    ]
    if losses or not panels:
        learner = "θ" if theta else "the method"
        draw = partial(_draw_losses, metrics=metrics, losses=losses, learner=learner)
        title = "loss, on either half of the data" if "theta_loss" in losses else "loss"
        panels.append(Panel(title, LARGE, draw))
    return panels


def method_measures(metrics: Columns, of_task: Sequence[Metric], has_theta: bool) -> list[Metric]:
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
    axes.plot(theta.steps, theta.decided, color=BLUE, linewidth=1.6, **points(theta.steps))
    axes.set_ylim(0, 1.02)


def _draw_losses(axes: Axes, metrics: Columns, losses: Sequence[str], learner: str) -> None:
    halves = {"loss": "half that trains the weights", "theta_loss": f"half that trains {learner}"}
    for column, colour in zip(losses, cycle(_COLOURS), strict=False):
        label = halves.get(column) or metric_named(column, ()).label
        style = {"color": colour, "linewidth": 1.4, "label": label, **points(metrics["step"])}
        axes.plot(metrics["step"], metrics[column], **style)
    if losses:
        axes.legend(
            prop=font(TEXT),
            labelcolor=INK,
            frameon=False,
            ncols=2,
            loc="lower right",
            bbox_to_anchor=(1, 1),  # beside the title
            borderpad=0,
        )
