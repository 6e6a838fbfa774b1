"""The plot of a retraining, from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pdas.drawing.course_plot import course_figure
from pdas.drawing.style import save
from pdas.report.reader import read_metrics
from pdas.runs.run import Run
from pdas.support.metrics import Metric


def plot_course(retraining: Run, of_task: Sequence[Metric]) -> Path:
    """Plot the course of a retraining into its `course.png`.

    Args:
        retraining: with its `metrics.csv`.
        of_task: the metrics of its task.

    Returns:
        The path of the picture.

    Raises:
        RunError: `metrics.csv` is missing or damaged.
    """
    figure = course_figure(read_metrics(retraining), of_task)
    return save(figure, retraining.path / "course.png")
