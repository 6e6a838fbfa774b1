"""The plot of the search of a run, from its files."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from pdas.drawing.search_plot import search_figure
from pdas.drawing.style import save
from pdas.report.reader import read_metrics, read_theta
from pdas.runs.run import Run
from pdas.tasks.results import metrics_of


def plot_convergence(run_dir: str | PathLike[str]) -> Path:
    """Plot the search of a run into its `convergence.png`.

    Args:
        run_dir: the run directory.

    Returns:
        The path of the picture.

    Raises:
        RunError: `metrics.csv` is missing, or it or `theta.npz` is damaged.
    """
    run = Run.open(run_dir)
    theta = read_theta(run).history if run.has("theta.npz") else None
    metrics = read_metrics(run)
    of_task = metrics_of(run.raw_config()["recipe"])
    return save(search_figure(theta, metrics, of_task), run.path / "convergence.png")
