"""What the tasks say of a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdas.tasks.results import metrics_of, of_averaged, sections_of


def test_metrics_are_those_of_the_task_of_the_recipe() -> None:
    own = ["psnr", "psnr_composited", "psnr_hidden", "ssim", "ssim_composited"]
    keys = [m.key for m in metrics_of({"task": "inpainting"})]
    assert keys == [*own, *(f"averaged_{key}" for key in own)]
    assert metrics_of({"task": "classification"})[0].key == "test_error"


def test_figures_of_averaged_weights_have_names_of_their_own() -> None:
    metrics = metrics_of({"task": "classification"})
    measured = {"test_error": 3.0, "test_error_interval": [2.0, 4.0], "images": 50, "by_class": {}}
    assert of_averaged(measured, metrics) == {"averaged_test_error": 3.0}
    (metric,) = (each for each in metrics if each.key == "averaged_test_error")
    assert (metric.label, metric.better) == ("test error, averaged weights", "lower")


@pytest.mark.parametrize("recipe", [{}, {"task": "another"}, {"task": [1]}])
def test_every_task_speaks_where_none_is_known(recipe: dict[str, object]) -> None:
    assert {"psnr", "test_error"} <= {m.key for m in metrics_of(recipe)}


def test_sections_are_those_of_the_task(tmp_path: Path) -> None:
    result = {"psnr": 20.0, "psnr_std": 1.0, "ssim": 0.5, "ssim_std": 0.1}
    (section,) = sections_of({"task": "inpainting"}, tmp_path / "retrain-3", result)
    assert section.title == "Test images of retrain-3"
    assert section.tables[0].rows == [("network", "20.00 ± 1.00", "0.5000 ± 0.1000")]
    assert not sections_of({"task": "classification"}, tmp_path / "retrain-3", result)
