"""A test set is too small for what is said: of a real tiny one, and of made-up scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from pdas.experiment.experiment import Experiment
from pdas.report.reader import read_summary
from pdas.report.warnings.of_run import warnings_of
from pdas.report.warnings.small_test import test_too_small as too_small
from pdas.runs.run import Run
from pdas.support.metrics import SCORES
from tests.conftest import changed

Add = Callable[..., Path]
RECIPE = {"name": "digits", "search": {"method": "pdas"}}
CONTROLS = 5
IMAGES = 400


@pytest.fixture
def compared(make_run: Callable[..., Path], add_retraining: Add) -> Callable[..., Path]:
    """A run with five controls, whose test errors are those of these wrong images, bool (N,)."""

    def make(found: np.ndarray, controls: list[np.ndarray]) -> Path:
        run = make_run(errors=(), recipe=RECIPE)
        add(run, 0, found)
        for number, wrong in enumerate(controls, start=1):
            (run / f"control-{number}").mkdir()
            (run / f"control-{number}" / "config.yaml").touch()
            add(run / f"control-{number}", number, wrong)
        return run

    def add(run: Path, seed: int, wrong: np.ndarray) -> None:
        scores = 100 * wrong.astype(np.float32)
        result = {"test_error": float(scores.mean()), "images": len(wrong)}
        path = add_retraining(run, seed, result, RECIPE)
        np.savez_compressed(path / SCORES, test_error=scores)

    return make


def first(count: int) -> np.ndarray:
    """The first images are wrong."""
    return np.arange(IMAGES) < count


def test_a_gain_of_few_images_is_not_told(compared: Callable[..., Path]) -> None:
    run = compared(first(9), [first(12 + i % 2) for i in range(CONTROLS)])
    summary = read_summary(run)
    assert summary.against_random is not None and summary.against_random.is_better
    warning = too_small(summary)
    assert warning is not None
    assert warning.finding == (
        "400 images tell a difference in test error of 0.87 % or more, and that from random "
        "architectures is 0.85 %"
    )
    assert warning.advice == "test on more images, about 420, or claim no difference"
    differences = first(9) - np.mean([first(12 + i % 2) for i in range(CONTROLS)], axis=0)
    assert ttest_1samp(differences, 0).pvalue > 0.05


def test_a_gain_of_more_is_told_though_the_intervals_overlap(
    compared: Callable[..., Path],
) -> None:
    run = compared(first(20), [first(27 + i % 2) for i in range(CONTROLS)])
    assert too_small(read_summary(run)) is None
    differences = first(20) - np.mean([first(27 + i % 2) for i in range(CONTROLS)], axis=0)
    assert ttest_1samp(differences, 0).pvalue < 0.05


def test_no_claim_needs_no_test_set(compared: Callable[..., Path]) -> None:
    run = compared(first(9), [first(count) for count in (2, 8, 14, 9, 11)])
    summary = read_summary(run)
    assert summary.against_random is not None and summary.against_random.is_better is None
    assert too_small(summary) is None


def test_without_scores_there_is_nothing_to_say(compared: Callable[..., Path]) -> None:
    run = compared(first(9), [first(12 + i % 2) for i in range(CONTROLS)])
    (run / "control-1" / "retrain-1" / SCORES).unlink()
    assert warnings_of(read_summary(run)) == []


def test_a_baseline_within_the_interval(make_run: Callable[..., Path], add_retraining: Add) -> None:
    run = make_run(errors=(), recipe=RECIPE)
    baselines = {"commonest class": {"class": "cat", "test_error": 11.0}}
    result: dict[str, Any] = {"test_error": 9.5, "images": 800, "baselines": baselines}
    path = add_retraining(run, 0, {**result, "test_error_interval": [7.5, 11.6]}, RECIPE)
    warning = too_small(read_summary(run))
    assert warning is not None and warning.finding == (
        "the 95 % interval of the test error, 7.50 to 11.60 %, holds the 11.00 % of the baseline "
        "commonest class"
    )
    (path / "result.json").write_text(json.dumps({**result, "test_error_interval": [8.5, 10.9]}))
    assert too_small(read_summary(run)) is None


def test_a_real_test_of_few_images_has_a_wide_interval(
    experiment: Experiment, tmp_path: Path
) -> None:
    few = changed(experiment, "data.test_fraction=0.03", "search.method=random", "retrain.epochs=1")
    run = few.search(tmp_path / "run")
    few.retrain(run)
    warning = too_small(read_summary(run.path))
    assert warning is not None
    assert warning.finding.startswith("of 50 images the 95 % interval of the test error is ")


def test_scores_are_those_of_the_result(finished: Run) -> None:
    retrained = Run(finished.path / "retrain-0")
    with np.load(retrained.path / SCORES) as scores:
        result = retrained.read_json("result.json")
        assert scores["test_error"].mean() == pytest.approx(result["test_error"], rel=1e-5)
        assert len(scores["test_error"]) == result["images"]
    assert too_small(replace(read_summary(finished.path), results={})) is None
