"""The plot of a search shows its figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from pdas.drawing.search_plot import search_figure
from pdas.report.reader import read_metrics, read_theta
from pdas.runs.run import Run
from pdas.space.decided import ThetaHistory
from pdas.support.metrics import Metric


@pytest.fixture
def panels(make_run: Callable[..., Path]) -> list[Axes]:
    run = Run.open(make_run())
    return search_figure(read_theta(run).history, read_metrics(run)).axes


def test_theta_panel_shows_how_far_the_variables_with_a_choice_are_decided(
    panels: list[Axes],
) -> None:
    (decided,) = panels[0].lines
    first, second = np.linspace(0.5, 0.9, 5), np.linspace(0.25, 0.97, 5)
    np.testing.assert_allclose(decided.get_xdata(), [0, 10, 20, 30, 40])
    way = (first - 1 / 2) + (second - 1 / 4)
    np.testing.assert_allclose(decided.get_ydata(), way / (1 / 2 + 3 / 4), atol=1e-15)


def test_band_is_between_the_quartiles(panels: list[Axes]) -> None:
    corners = panels[0].collections[0].get_paths()[0].vertices
    last = corners[corners[:, 0] == 40][:, 1]
    assert (last.min(), last.max()) == pytest.approx((0.8 + 0.25 * 0.16, 0.8 + 0.75 * 0.16))


def test_a_theta_at_its_bounds_is_wholly_decided() -> None:
    theta = np.array([[0.5, 0.5] * 4, [0.75, 0.25] * 4])
    history = ThetaHistory(np.array([0, 9]), theta, np.full(4, 2), np.full(4, 0.75))
    decided = search_figure(history, {"step": np.array([9.0])}).axes[0].lines[0]
    assert decided.get_ydata().tolist() == [0, 1]


def test_rate_and_losses_are_those_of_the_metrics(panels: list[Axes]) -> None:
    (rate,) = panels[1].lines
    losses = {line.get_label(): line.get_ydata() for line in panels[2].lines}
    np.testing.assert_allclose(rate.get_ydata(), 0.1 / np.arange(1, 5))
    np.testing.assert_allclose(losses["half that trains the weights"], 2 / np.arange(1, 5))
    np.testing.assert_allclose(losses["half that trains θ"], 3 / np.arange(1, 5))


@pytest.mark.parametrize(("epochs", "marker"), [(1, "o"), (2, "None"), (4, "None")])
def test_single_value_is_a_point(make_run: Callable[..., Path], epochs: int, marker: str) -> None:
    run = make_run()
    lines = (run / "metrics.csv").read_text().splitlines()
    (run / "metrics.csv").write_text("\n".join(lines[: 1 + epochs]))
    opened = Run.open(run)
    axes = search_figure(read_theta(opened).history, read_metrics(opened)).axes
    assert [line.get_marker() for panel in axes[1:] for line in panel.lines] == 3 * [marker]


def titles(metrics: dict[str, list[float]], *of_task: Metric) -> list[str]:
    columns = {name: np.array(values) for name, values in metrics.items()}
    axes = search_figure(None, columns, of_task).axes
    return [panel.get_title(loc="left") for panel in axes]


def test_method_without_theta_shows_what_it_reports() -> None:
    metrics = {
        "step": [1.0, 2.0],
        "epoch": [1.0, 2.0],
        "loss": [3.0, 1.0],
        "theta_loss": [2.0, 1.0],
        "population_age": [-1.0, 2.5],
        "convergence": [0.1, 0.4],
        "learning_rate": [0.1, 0.05],
        "seconds": [1.0, 2.0],
    }
    assert titles(metrics) == [
        "population age",
        "mean of max θ",
        "loss, on either half of the data",
    ]


def test_measures_of_the_task_are_none_of_the_method() -> None:
    metrics = {
        "step": [1.0],
        "loss": [3.0],
        "blobs": [1.0],
        "overlap": [1.0],
        "theta_overlap": [1.0],
        "theta_blobs": [1.0],
    }
    assert titles(metrics, Metric("blobs", "blobs")) == ["loss"]
    assert titles({"step": [1.0], "loss": [2.0], "blobs": [3.0]}, Metric("blobs", "blobs")) == [
        "loss"
    ]


def test_negative_values_are_within_the_panel() -> None:
    metrics = {"step": np.array([1.0, 2.0]), "score": np.array([-2.0, -1.0])}
    (panel,) = search_figure(None, metrics).axes
    low, high = panel.get_ylim()
    assert low <= -2 and high >= -1
