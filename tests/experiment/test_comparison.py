"""Statistics of several runs, against numpy and by counting."""

from __future__ import annotations

import numpy as np
import pytest

from pdas.experiment.comparison import agreement, measures, spread
from pdas.space import SearchSpace
from pdas.support.metrics import Metric

SPACE = SearchSpace({"op": ["conv", "pool"], "width": [8, 16, 32, 64]})


def test_spread_is_mean_and_standard_deviation_of_a_sample() -> None:
    values = {3: 1.5, 7: 4.0, 11: 2.25}
    found = spread(values)
    numbers = list(values.values())
    assert found["mean"] == pytest.approx(np.mean(numbers))
    assert found["std"] == pytest.approx(np.std(numbers, ddof=1))
    assert found["values"] == {"3": 1.5, "7": 4.0, "11": 2.25}


def test_agreement_counts_equal_categories_of_pairs() -> None:
    found = {
        seed: SPACE.architecture(indices) for seed, indices in enumerate(([0, 0], [0, 3], [1, 3]))
    }
    counted = agreement(SPACE, found)
    assert counted["pairs"] == {"0-1": 0.5, "0-2": 0.0, "1-2": 0.5}
    assert counted["mean"] == pytest.approx(1 / 3)
    assert counted["majority"] == {
        "op": {"category": "conv", "share": 2 / 3},
        "width": {"category": 64, "share": 2 / 3},
    }


def test_chance_is_how_far_uniform_draws_agree() -> None:
    rng = np.random.default_rng(0)
    draws = {i: SPACE.uniform(rng) for i in range(200)}
    counted = agreement(SPACE, draws)
    assert counted["chance"] == (1 / 2 + 1 / 4) / 2
    assert counted["mean"] == pytest.approx(counted["chance"], abs=0.02)


def test_one_run_agrees_with_none() -> None:
    assert agreement(SPACE, {0: SPACE.architecture([0, 0])})["mean"] is None
    assert agreement(SPACE, {})["majority"] == {}


def test_measures_are_the_numbers_that_metrics_describe_or_seeds_change() -> None:
    results = {
        seed: {
            "image_size": 8,
            "seed": seed,
            "classes": ["a", "b"],
            "sharpness": 0.1 * seed,
            "params": 100,
            "blobs_std": float(seed),
            "blobs": 2.0 + seed,
        }
        for seed in (3, 7)
    }
    measured = measures(results, (Metric("blobs", "blob error"),))
    assert list(measured) == ["blobs", "params", "sharpness"]
    assert measured["blobs"] == spread({3: 5.0, 7: 9.0})
    assert measured["params"]["std"] == 0


def test_measure_that_one_seed_lacks_is_of_the_others() -> None:
    metric = Metric("blobs", "blob error")
    assert measures({0: {"blobs": 1.0}, 1: {}}, (metric,)) == {"blobs": spread({0: 1.0})}
