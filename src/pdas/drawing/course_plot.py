"""The plot of a retraining: the loss, and what its task measures, over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pdas.drawing.panels import LARGE, SMALL, Columns, draw_measure, stacked
from pdas.support.metrics import Metric, metric_named

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def course_figure(metrics: Columns, of_task: Sequence[Metric]) -> Figure:
    """Panels above each other: the training loss, then each metric that can be good or bad.

    Args:
        metrics: the columns of `metrics.csv`.
        of_task: the metrics of the task.
    """
    axis = "epoch" if "epoch" in metrics else "step"
    judged = [metric for metric in of_task if metric.better and metric.key in metrics]
    shown = [metric_named("loss", of_task), *judged]
    shown = [metric for metric in shown if metric.key in metrics] or shown[:1]
    x = metrics[axis]
    heights = [LARGE, *(SMALL for _ in shown[1:])]
    figure, panels = stacked(heights, axis, x.max(initial=0))
    for panel, metric in zip(panels, shown, strict=True):
        draw_measure(panel, x, metrics.get(metric.key, np.full_like(x, np.nan)), metric)
    return figure
