"""What the retrainings of a run came to, averaged only where they can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pdas.report.describe import summarise
from pdas.report.reader import read_summary

Add = Callable[..., Path]
Restored = Callable[..., dict[str, Any]]


def summary_rows(run: Path) -> list[tuple[str, str]]:
    return summarise(read_summary(run, lenient=True))


def figures(run: Path) -> dict[str, str]:
    """The rows about retrainings."""
    names = ("test error", "PSNR", "composited", "SSIM", "weights")
    return {label: text for label, text in summary_rows(run) if label.startswith(names)}


def recipe(epochs: int) -> dict[str, Any]:
    return {"name": "digits", "retrain": {"epochs": epochs}}


def test_restored_images_stand_beside_the_baselines(
    make_run: Callable[..., Path], add_retraining: Add, restored: Restored
) -> None:
    run = make_run(errors=())
    add_retraining(run, 0, restored(26.911))
    assert figures(run) == {
        "PSNR": "26.91 dB (masked 6.44, biharmonic 29.91)",
        "composited PSNR": "29.91 dB (masked 9.44, biharmonic 32.91)",
        "PSNR of hidden pixels": "25.91 dB (masked 5.44, biharmonic 28.91)",
        "SSIM": "0.8120 (masked 0.1090, biharmonic 0.8190)",
        "composited SSIM": "0.9120 (masked 0.2090, biharmonic 0.9190)",
        "weights": "81.5 k",
    }


def test_an_interval_stands_beside_the_only_value(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    run = make_run(errors=())
    baselines = {"commonest class": {"class": "cat", "test_error": 60.0}}
    measured = {"test_error": 3.0, "test_error_interval": [1.5, 6.25], "baselines": baselines}
    add_retraining(run, 0, measured | {"images": 250, "balanced_accuracy": 96.5}, recipe(3))
    rows = dict(summary_rows(run))
    assert rows["test error"] == "3.00 % (95 % interval 1.50 to 6.25; commonest class 60.00)"
    assert rows["test images"] == "250"
    assert rows["balanced accuracy"] == "96.50 %"
    add_retraining(run, 1, measured, recipe(3))
    assert "interval" not in dict(summary_rows(run))["test error"]


def test_a_percentile_stands_beside_the_median(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    run = make_run(errors=())
    measured = {"test_error": 3.0, "latency": 2.5, "latency_p95": 3.25}
    add_retraining(run, 0, measured, recipe(3))
    assert dict(summary_rows(run))["latency of one input"] == "2.500 ms (95th percentile 3.250)"
    add_retraining(run, 1, measured | {"latency": 3.5, "latency_p95": 3.75}, recipe(3))
    text = "3.000 ± 0.707 ms (2 retrainings; 95th percentile 3.500)"
    assert dict(summary_rows(run))["latency of one input"] == text


def test_retrainings_of_the_same_settings_are_averaged(
    make_run: Callable[..., Path], add_retraining: Add, restored: Restored
) -> None:
    run, values = make_run(errors=()), (26.5, 27.25, 26.0)
    for seed, psnr in enumerate(values):
        add_retraining(run, seed, restored(psnr), recipe(3))
    mean, deviation = np.mean(values), np.std(values, ddof=1)
    assert figures(run)["PSNR"] == (
        f"{mean:.2f} ± {deviation:.2f} dB (3 retrainings; masked 6.44, biharmonic 29.91)"
    )


def test_retrainings_of_other_settings_stand_apart(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    run = make_run(errors=())
    for seed, (error, epochs) in enumerate(((3.0, 3), (1.0, 12), (2.0, 3))):
        add_retraining(run, seed, {"test_error": error, "params": 2_000_000}, recipe(epochs))
    assert figures(run) == {
        "test error, retrain-0": "3.00 %",
        "test error, retrain-1": "1.00 %",
        "test error, retrain-2": "2.00 %",
        "weights": "2.00 M",
    }


def test_weights_stand_apart_where_they_differ(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    run = make_run(errors=())
    for seed, params in enumerate((2_000_000, 3_000_000)):
        add_retraining(run, seed, {"test_error": 3.0, "params": params}, recipe(seed))
    rows = figures(run)
    assert rows["weights, retrain-0"] == "2.00 M"
    assert rows["weights, retrain-1"] == "3.00 M"


def test_retraining_of_unknown_settings_is_compared_with_none(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    run = make_run(errors=(3.0,))
    add_retraining(run, 1, {"test_error": 1.0}, recipe(3))
    assert "test error, retrain-0" in figures(run)


def test_seeds_and_versions_may_differ(make_run: Callable[..., Path], add_retraining: Add) -> None:
    run = make_run(errors=())
    for seed in range(2):
        made = add_retraining(run, seed, {"test_error": 1.0 + seed}, recipe(3))
        text = (made / "config.yaml").read_text().replace("seed: 7", f"seed: {seed}")
        (made / "config.yaml").write_text(text.replace("2.9.8", f"2.9.{seed}"))
    assert figures(run)["test error"] == "1.50 ± 0.71 % (2 retrainings)"


def test_images_restored_without_a_fault(
    make_run: Callable[..., Path], add_retraining: Add, restored: Restored
) -> None:
    run = make_run(errors=())
    for seed, psnr in enumerate((math.inf, 30.0)):
        add_retraining(run, seed, restored(psnr))
    assert figures(run)["PSNR"].startswith("inf ± nan dB (2 retrainings; ")


def test_retraining_itself_is_no_unfinished_search(
    make_run: Callable[..., Path], add_retraining: Add
) -> None:
    made = add_retraining(make_run(errors=()), 0, {"test_error": 1.0}, recipe(3))
    assert "state" not in dict(summary_rows(made))


@pytest.mark.parametrize("method", ["pdas", "random"])
def test_finished_search_needs_no_word(make_run: Callable[..., Path], method: str) -> None:
    assert "state" not in dict(summary_rows(make_run(method=method)))
