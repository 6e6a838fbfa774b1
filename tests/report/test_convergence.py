"""The plot of a run is drawn from what there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pdas.report.convergence import plot_convergence
from pdas.support.errors import RunError


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


def test_random_method_has_nothing_to_plot(make_run: Callable[..., Path]) -> None:
    with pytest.raises(RunError, match=r"metrics\.csv: missing"):
        plot_convergence(make_run(method="random"))


def test_run_without_theta_is_plotted(make_run: Callable[..., Path]) -> None:
    run = make_run()
    (run / "theta.npz").unlink()
    with Image.open(plot_convergence(run)) as image:
        assert image.width == 1360
