"""Metrics as data: what is shown of a number that is measured."""

from __future__ import annotations

import pytest

from pdas.support.metrics import (
    GENERAL,
    Metric,
    bar_text,
    measures_text,
    metric_named,
    numbers,
    with_general,
)

ERROR = Metric("test_error", "test error", "%", ".2f", "lower")
BLOBS = Metric("blobs", "blob error", format=".3f", better="lower", short="blobs")


def test_text_is_the_number_with_its_unit() -> None:
    assert (ERROR.text(2.314), ERROR.number(2.314)) == ("2.31 %", "2.31")
    assert BLOBS.text(0.25) == "0.250"
    assert (ERROR.heading, BLOBS.heading) == ("test error, %", "blob error")


def test_count_groups_its_digits() -> None:
    params = metric_named("params", ())
    assert params.is_count and not ERROR.is_count
    assert params.text(12345) == "12,345"


def test_metric_of_the_task_stands_before_the_general_one_of_its_key() -> None:
    loss = Metric("loss", "energy")
    assert metric_named("loss", (loss,)) is loss
    assert with_general((loss,))[0] is loss
    assert [metric.key for metric in with_general((loss,))].count("loss") == 1


def test_number_that_nobody_describes_is_a_plain_metric() -> None:
    metric = metric_named("sharp_edges", (ERROR,))
    assert (metric.label, metric.heading, metric.text(0.123456)) == (
        "sharp edges",
        "sharp edges",
        "0.1235",
    )


def test_bar_shows_what_has_a_short_name_and_what_nobody_describes() -> None:
    measures = {"loss": 0.5, "blobs": 2, "theta_loss": 0.4, "learning_rate": 0.1, "age": 3.0}
    assert bar_text(measures, (BLOBS,)) == "loss 0.5000  blobs 2.000  age 3"
    assert bar_text({"theta_age": 1.0}, ()) == "theta age 1"


@pytest.mark.parametrize(("key", "text"), [("decided", "decided 0.500"), ("eta", "eta 0.5000")])
def test_bar_shows_a_measure_of_the_method(key: str, text: str) -> None:
    assert bar_text({key: 0.5}, ()) == text


def test_convergence_is_shown_only_where_nothing_says_which_share_of_the_possible_it_is() -> None:
    raw = {"convergence": 0.722, "eta": 0.1}
    assert bar_text(raw, ()) == "max θ 0.722  eta 0.1000"
    assert bar_text({"decided": 1.0, **raw}, ()) == "decided 1.000  eta 0.1000"
    assert [metric.key for metric, _ in numbers(raw, ())] == ["convergence", "eta"]
    assert [metric.key for metric, _ in numbers({**raw, "decided": 1.0}, ())] == ["decided", "eta"]


def test_measures_are_those_of_the_task_first_and_without_their_deviations() -> None:
    measures = {"frames": 4, "blobs_std": 1.0, "params": 1200, "blobs": 0.5, "by_class": {"a": 1}}
    measures |= {"params_p95": 1300.0}
    assert measures_text(measures, (ERROR, BLOBS)) == "0.500 blob error, 1,200 weights, 4 frames"
    assert [metric.key for metric, _ in numbers(measures, (BLOBS,))] == [
        "blobs",
        "params",
        "frames",
    ]


def test_truth_is_no_number() -> None:
    assert not list(numbers({"blobs": True, "done": False, "name": "x"}, (BLOBS,)))


def test_keys_are_described_once() -> None:
    assert len({metric.key for metric in GENERAL}) == len(GENERAL)
