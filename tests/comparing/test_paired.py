"""Intervals of paired differences are those of the paired t-test of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel

from pdas.comparing.paired import Paired, student_interval
from pdas.support.metrics import Metric

ERROR = Metric("test_error", "test error", "%", ".2f", "lower")
PSNR = Metric("psnr", "PSNR", "dB", ".2f", "higher")


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_that_of_the_paired_t_test(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, 6))
    paired = Paired.of(ERROR, dict(enumerate(one)), dict(enumerate(other)))
    expected = ttest_rel(one, other).confidence_interval(0.95)
    assert paired.interval == pytest.approx((expected.low, expected.high))
    assert paired.mean == pytest.approx(one.mean() - other.mean())


def test_pairs_are_of_the_same_seed() -> None:
    paired = Paired.of(ERROR, {3: 5.0, 1: 2.0, 9: 7.0}, {1: 1.5, 3: 4.0, 2: 0.0})
    assert paired.by_seed == {1: 0.5, 3: 1.0}


@pytest.mark.parametrize(("metric", "better"), [(ERROR, False), (PSNR, True)])
def test_the_metric_says_what_is_better(metric: Metric, better: bool) -> None:
    reference = dict.fromkeys(range(4), 20.0)
    larger = Paired.of(metric, {0: 21.0, 1: 21.1, 2: 21.2, 3: 21.1}, reference)
    smaller = Paired.of(metric, {0: 19.0, 1: 19.1, 2: 19.2, 3: 19.1}, reference)
    assert (larger.is_better, smaller.is_better) == (better, not better)


def test_an_interval_with_0_settles_nothing() -> None:
    paired = Paired.of(ERROR, {0: 1.0, 1: -1.0, 2: 0.5}, dict.fromkeys(range(3), 0.0))
    assert paired.is_better is None and paired.text().startswith("+0.17 [-")


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0]])
def test_where_nothing_varies_there_is_no_interval(values: list[float]) -> None:
    assert student_interval(values) is None
    paired = Paired(ERROR, dict(enumerate(values)))
    assert paired.is_better is None and (paired.mean is None) == (not values)
