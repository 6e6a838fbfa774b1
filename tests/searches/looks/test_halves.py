"""Halves are told apart by Student's test on what their batches hold, as scipy computes it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t as student
from scipy.stats import ttest_ind
from torch import Tensor

from pdas.searches.halves import both_halves
from pdas.searches.looks.halves import compare_halves, features


def batches(seed: int, count: int = 16) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        (
            torch.rand(32, 1, 4, 4, generator=generator),
            torch.randint(3, (32,), generator=generator),
        )
        for _ in range(count)
    ]


def compared(first: Any, second: Any) -> dict[str, Any]:
    found = compare_halves([*map(features, first)], [*map(features, second)])
    assert found is not None
    return found


def test_features_of_a_batch() -> None:
    images = torch.tensor([[[1.0, 3.0]], [[5.0, 9.0]]])
    batch = {"x": images, "y": torch.tensor([2, 2]), "name": "cat", "none": None}
    assert features(batch) == {
        "the mean of tensor 1 of a batch": 4.5,
        "the spread of tensor 1 of a batch": 1.5,
        "the share of label 2 in tensor 2 of a batch": 1.0,
    }


def test_numbers_and_many_labels_have_a_mean() -> None:
    assert features(torch.tensor([1.0, 4.0])) == {"the mean of tensor 1 of a batch": 2.5}
    assert features(torch.tensor([-1, 4])) == {"the mean of tensor 1 of a batch": 1.5}
    assert features(torch.tensor([1000, 2])) == {"the mean of tensor 1 of a batch": 501.0}
    assert (
        features([torch.tensor(3.0), torch.zeros(0, 2), torch.zeros(2, dtype=torch.cfloat)]) == {}
    )


def test_the_largest_difference_is_that_of_students_test() -> None:
    first, second = batches(0), batches(1, 12)
    found = compared(first, second)
    assert found["features"] == 5 and found["freedom"] == 26
    by_hand = {
        "the mean of tensor 1 of a batch": lambda batch: batch[0].mean(),
        "the share of label 1 in tensor 2 of a batch": lambda batch: (batch[1] == 1).float().mean(),
    }
    rows = {row["what"]: row for row in found["largest"]}
    for name, value in by_hand.items():
        halves = [[float(value(batch)) for batch in half] for half in (first, second)]
        row, expected = rows[name], ttest_ind(*halves)
        assert row["weights"] == pytest.approx(np.mean(halves[0]), rel=1e-6)
        distance = (row["weights"] - row["theta"]) / row["error"]
        assert distance == pytest.approx(expected.statistic, rel=1e-4)
    distances = [abs(row["weights"] - row["theta"]) / row["error"] for row in found["largest"]]
    assert distances == sorted(distances, reverse=True)


def test_a_label_that_one_half_lacks_has_a_share_of_zero() -> None:
    second = [(images, labels.clamp(max=1)) for images, labels in batches(1)]
    row = compared(batches(0), second)["largest"][0]
    assert row["theta"] in (0.0, pytest.approx(2 / 3, abs=0.05))


def test_constants_that_differ_are_infinitely_far_apart() -> None:
    first, second = [torch.zeros(4)] * 4, [torch.ones(4)] * 4
    found = compared([(each.float(),) for each in first], [(each.float(),) for each in second])
    assert found["largest"][0]["error"] == 0.0
    assert compared([(each,) for each in first], [(each,) for each in first])["largest"] == []


def test_too_few_batches_are_not_compared() -> None:
    assert compare_halves([features(torch.zeros(3))], [features(torch.zeros(3))] * 5) is None


def test_random_halves_are_as_far_apart_as_chance_has_it() -> None:
    """Of 100 random splits the p-value, for all features together, is below 0.05 in few."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(5, (600,), generator=generator)
    points = torch.randn(600, 4, generator=generator) + labels[:, None]
    data = torch.utils.data.TensorDataset(points, labels)
    below = 0
    for seed in range(100):
        halves = (islice(iter(half), 16) for half in both_halves(data, 16, seed))
        found = compared(*halves)
        row = found["largest"][0]
        distance = abs(row["weights"] - row["theta"]) / row["error"]
        below += 2 * student.sf(distance, found["freedom"]) * found["features"] < 0.05
    assert below <= 14  # a binomial of 100 and 0.05 is above with probability 0.0001
