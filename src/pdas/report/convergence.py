"""The plot of a search: how sure theta is, the rate at which it learns, and both losses."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from pdas.drawing.style import BLUE, FAINT, GREY, INK, MUTED, ORANGE, font, new_figure, save, tint
from pdas.report.reader import ThetaHistory, read_metrics, read_theta
from pdas.runs.run import Run
from pdas.support.arrays import FloatArray

_COLUMNS = ("step", "loss", "eta")
_OPTIONAL = ("theta_loss",)  # theta stands still in a warm-up
_TEXT = 8.0  # points


def plot_convergence(run_dir: str | PathLike[str]) -> Path:
    """Plot the search of a run into its `convergence.png` and return the path.

    Raises RunError if `theta.npz` or `metrics.csv` is missing or damaged.
    """
    run = Run.open(run_dir)
    theta = read_theta(run)
    metrics = read_metrics(run, _COLUMNS, _OPTIONAL)
    return save(convergence_figure(theta, metrics), run.path / "convergence.png")


def convergence_figure(theta: ThetaHistory, metrics: Mapping[str, FloatArray]) -> Figure:
    """Three panels above each other: max theta over the variables, eta, and the losses."""
    figure = new_figure(6.8, 6.0, layout=ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.12))
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(4, 1.4, 2.8))
    _draw_theta(panels[0], theta)
    _draw_rate(panels[1], metrics["step"], metrics["eta"])
    _draw_losses(panels[2], metrics)
    for axes in panels:
        _quieten(axes)
    panels[2].set_xlabel("step", color=INK, fontproperties=font(_TEXT))
    panels[2].xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panels[2].set_xlim(0, max(theta.steps.max(), 1))
    return figure


def _draw_theta(axes: Axes, theta: ThetaHistory) -> None:
    lower, upper = np.quantile(theta.largest, (0.25, 0.75), axis=1)
    axes.fill_between(theta.steps, lower, upper, color=tint(BLUE, 0.16), linewidth=0)
    axes.plot(theta.steps, theta.largest.mean(axis=1), color=BLUE, linewidth=1.6)
    axes.axhline(theta.uniform, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.text(
        0.995,
        theta.uniform - 0.02,
        "uniform",
        transform=axes.get_yaxis_transform(),
        color=MUTED,
        fontproperties=font(_TEXT),
        horizontalalignment="right",
        verticalalignment="top",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )
    axes.set_ylim(0, 1.02)
    _title(axes, "max θ of a variable: mean, and band between the quartiles")


def _draw_rate(axes: Axes, steps: FloatArray, rate: FloatArray) -> None:
    axes.plot(steps, rate, color=INK, linewidth=1.2, **_points(steps))
    axes.set_ylim(0, 1.1 * max(rate[np.isfinite(rate) & (rate > 0)], default=1.0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    _title(axes, "learning rate η of θ")


def _draw_losses(axes: Axes, metrics: Mapping[str, FloatArray]) -> None:
    for column, label, colour in (
        ("loss", "half that trains the weights", BLUE),
        ("theta_loss", "half that trains θ", ORANGE),
    ):
        look = {"color": colour, "linewidth": 1.4, "label": label, **_points(metrics["step"])}
        axes.plot(metrics["step"], metrics[column], **look)
    axes.legend(
        prop=font(_TEXT),
        labelcolor=INK,
        frameon=False,
        ncols=2,
        loc="lower right",
        bbox_to_anchor=(1, 1),  # beside the title
        borderpad=0,
    )
    _title(axes, "loss, on either half of the data")


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
