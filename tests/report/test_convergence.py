"""The plot of a search shows the figures of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from pdas.report.convergence import convergence_figure, plot_convergence
from pdas.report.reader import read_metrics, read_theta
from pdas.runs.run import Run
from pdas.support.errors import RunError
from pdas.support.metrics import Metric


@pytest.fixture
def panels(make_run: Callable[..., Path]) -> list[Axes]:
    run = Run.open(make_run())
    return convergence_figure(read_theta(run), read_metrics(run)).axes


def test_theta_panel_shows_the_variables_that_have_a_choice(panels: list[Axes]) -> None:
    mean, uniform = panels[0].lines
    first, second = np.linspace(0.5, 0.9, 5), np.linspace(0.25, 0.97, 5)
    np.testing.assert_allclose(mean.get_xdata(), [0, 10, 20, 30, 40])
    np.testing.assert_allclose(mean.get_ydata(), (first + second) / 2)
    np.testing.assert_allclose(uniform.get_ydata(), (1 / 2 + 1 / 4) / 2)


def test_band_is_between_the_quartiles(panels: list[Axes]) -> None:
    corners = panels[0].collections[0].get_paths()[0].vertices
    last = corners[corners[:, 0] == 40][:, 1]
    assert (last.min(), last.max()) == pytest.approx(
        (0.9 + 0.25 * 0.07, 0.9 + 0.75 * 0.07)  # of 0.9 and 0.97
    )


def test_rate_and_losses_are_those_of_the_metrics(panels: list[Axes]) -> None:
    (rate,) = panels[1].lines
    losses = {line.get_label(): line.get_ydata() for line in panels[2].lines}
    np.testing.assert_allclose(rate.get_ydata(), 0.1 / np.arange(1, 5))
    np.testing.assert_allclose(losses["half that trains the weights"], 2 / np.arange(1, 5))
    np.testing.assert_allclose(losses["half that trains θ"], 3 / np.arange(1, 5))


def test_png_has_its_size(make_run: Callable[..., Path]) -> None:
    path = plot_convergence(make_run())
    assert path.name == "convergence.png"
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (1360, 1200))


def test_search_that_has_only_begun_and_losses_without_a_value(
    make_run: Callable[..., Path],
) -> None:
    run = make_run()
    header, row, *_ = (run / "metrics.csv").read_text().splitlines()
    (run / "metrics.csv").write_text(f"{header}\n")
    assert plot_convergence(run).exists()
    values = row.split(",")
    values[2], values[3], values[-1] = "nan", "", "nan"
    (run / "metrics.csv").write_text(f"{header}\n{','.join(values)}\n")
    assert plot_convergence(run).exists()


@pytest.mark.parametrize(("epochs", "marker"), [(1, "o"), (2, "None"), (4, "None")])
def test_single_value_is_a_point(make_run: Callable[..., Path], epochs: int, marker: str) -> None:
    run = make_run()
    lines = (run / "metrics.csv").read_text().splitlines()
    (run / "metrics.csv").write_text("\n".join(lines[: 1 + epochs]))
    opened = Run.open(run)
    axes = convergence_figure(read_theta(opened), read_metrics(opened)).axes
    assert [line.get_marker() for panel in axes[1:] for line in panel.lines] == 3 * [marker]


def test_random_method_has_nothing_to_plot(make_run: Callable[..., Path]) -> None:
    with pytest.raises(RunError, match=r"metrics\.csv: missing"):
        plot_convergence(make_run(method="random"))


def titles(metrics: dict[str, list[float]], *of_task: Metric) -> list[str]:
    columns = {name: np.array(values) for name, values in metrics.items()}
    axes = convergence_figure(None, columns, of_task).axes
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
    (panel,) = convergence_figure(None, metrics).axes
    low, high = panel.get_ylim()
    assert low <= -2 and high >= -1


def test_run_without_theta_is_plotted(make_run: Callable[..., Path]) -> None:
    run = make_run()
    (run / "theta.npz").unlink()
    with Image.open(plot_convergence(run)) as image:
        assert image.width == 1360
