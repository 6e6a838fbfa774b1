"""The plot of a retraining: the loss, and what its task measures, over the epochs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pdas.drawing.panels import LARGE, SMALL, Columns, Panel, measure_panel
from pdas.support.metrics import Metric, metric_named


def course_axis(metrics: Columns) -> str:
    """The column that the horizontal axis counts: "epoch", or "step" where there is none.

    Args:
        metrics: the columns of `metrics.csv`.
    """
    return "epoch" if "epoch" in metrics else "step"


def course_panels(metrics: Columns, of_task: Sequence[Metric]) -> list[Panel]:
    """The training loss, then each metric that can be good or bad.

    Args:
        metrics: the columns of `metrics.csv`.
        of_task: the metrics of the task.
    """
    judged = [metric for metric in of_task if metric.better and metric.key in metrics]
    shown = [metric_named("loss", of_task), *judged]
    shown = [metric for metric in shown if metric.key in metrics] or shown[:1]
    x = metrics[course_axis(metrics)]
    return [
        measure_panel(
            x, metrics.get(metric.key, np.full_like(x, np.nan)), metric, SMALL if i else LARGE
        )
        for i, metric in enumerate(shown)
    ]
