"""The comparison with random architectures, against scipy and by hand."""

from __future__ import annotations

import json
from math import sqrt
from statistics import mean, stdev

import pytest
from scipy import stats

from pdas.experiment.against_random import AgainstRandom
from pdas.support.metrics import Metric

ERROR = Metric("test_error", "test error", "%", ".2f", "lower")
SHARPNESS = Metric("sharpness", "sharpness", "dB", ".1f", "higher")
FIVE = (4.0, 4.4, 3.9, 4.6, 4.1)


def against(metric: Metric, found: tuple[float, ...], controls: tuple[float, ...]) -> AgainstRandom:
    return AgainstRandom(
        metric,
        {f"retrain-{i}": value for i, value in enumerate(found)},
        {f"control-{i}": value for i, value in enumerate(controls, start=1)},
    )


@pytest.mark.parametrize("found", [(3.1,), (3.1, 3.6), (4.0, 5.0, 4.5)])
@pytest.mark.parametrize("controls", [(4.0, 4.4), FIVE])
def test_the_interval_is_students(found: tuple[float, ...], controls: tuple[float, ...]) -> None:
    low, high = stats.ttest_ind(found, controls).confidence_interval(0.95)
    assert against(SHARPNESS, found, controls).interval == pytest.approx((low, high))
    assert against(ERROR, found, controls).interval == pytest.approx((-high, -low))


def test_with_one_training_it_is_the_prediction_interval_of_the_controls() -> None:
    half = stats.t.ppf(0.975, 4) * stdev(FIVE) * sqrt(1 + 1 / 5)
    for value in (mean(FIVE) - 0.99 * half, mean(FIVE) + 0.99 * half):
        assert against(ERROR, (value,), FIVE).is_better is None
    assert against(ERROR, (mean(FIVE) - 1.01 * half,), FIVE).is_better is True
    assert against(ERROR, (mean(FIVE) + 1.01 * half,), FIVE).is_better is False


@pytest.mark.parametrize(("metric", "better"), [(ERROR, True), (SHARPNESS, False)])
def test_the_direction_of_the_metric_decides(metric: Metric, better: bool) -> None:
    compared = against(metric, (1.0,), FIVE)
    assert compared.is_better is better
    assert (compared.gain > 0) is better
    assert compared.gain == pytest.approx((1 if better else -1) * (mean(FIVE) - 1))


def test_one_control_is_no_answer() -> None:
    compared = against(ERROR, (3.0,), (9.0,))
    assert compared.interval is None and compared.is_better is None
    assert compared.to_json()["std"] is None
    assert compared.text() == (
        "not known: 3.00 % against 9.00 % of one random architecture; one control says little of "
        "how far random ones are apart"
    )
    assert against(ERROR, (3.0, 3.1), (9.0,)).interval is None


def test_equal_controls_are_no_answer() -> None:
    compared = against(ERROR, (0.0,), (5.0, 5.0, 5.0))
    assert compared.is_better is None
    assert compared.text() == (
        "not known: 0.00 % against 5.00 ± 0.00 % of 3 random architectures; controls that are all "
        "equal say little of how far random ones are apart"
    )


@pytest.mark.parametrize(
    ("found", "start"), [(2.0, "yes: 2.00 %"), (4.1, "not shown: "), (9.0, "no, it is worse: ")]
)
def test_the_answer_names_both_sides_and_the_interval(found: float, start: str) -> None:
    compared = against(ERROR, (found,), FIVE)
    low, high = compared.interval or (0, 0)
    assert compared.text().startswith(start)
    assert compared.text().endswith(
        f" against 4.20 ± 0.29 % of 5 random architectures; gain {4.2 - found:.2f}, "
        f"95 % interval {low:.2f} to {high:.2f} (Student's t)"
    )


def test_it_is_plain_data() -> None:
    compared = against(ERROR, (2.0,), FIVE)
    content = json.loads(json.dumps(compared.to_json()))
    assert content["controls"]["control-5"] == 4.1
    assert (content["metric"], content["better"]) == ("test_error", True)
    assert content["gain_interval"] == list(compared.interval or ())
    assert content["std"] == pytest.approx(stdev(FIVE))
