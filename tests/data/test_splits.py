"""Halves of the training data, and a test part."""

from __future__ import annotations

import pytest
import torch

from pdas.data.splits import halves, split_test


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [2, 9, 100])
def test_halves_are_disjoint_and_equal(n: int) -> None:
    first, second = halves(n, generator())
    assert len(first) == len(second) == n // 2
    together = torch.cat([first, second]).tolist()
    assert len(set(together)) == 2 * (n // 2) and set(together) <= set(range(n))


def test_halves_are_random_and_seeded() -> None:
    first, again, other = (halves(100, generator(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    chosen = torch.stack([halves(20, generator(seed))[0] for seed in range(400)])
    counts = torch.bincount(chosen.flatten(), minlength=20)
    assert (counts - 200).abs().max() < 60  # six standard deviations of Binomial(400, 1/2)


def test_a_test_part_takes_its_share_of_each_class() -> None:
    labels = torch.tensor([0] * 50 + [1] * 10 + [2] * 3)
    train, test = split_test(labels, 0.2, seed=0)
    assert torch.bincount(labels[test]).tolist() == [10, 2, 1]
    assert sorted(train.tolist() + test.tolist()) == list(range(63))


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_either_part_keeps_an_image_of_each_class(fraction: float) -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    train, test = split_test(labels, fraction, seed=0)
    assert set(labels[train].tolist()) == set(labels[test].tolist()) == {0, 1}


def test_the_test_part_depends_on_the_seed_alone() -> None:
    labels = torch.arange(200) % 4
    first, again, other = (split_test(labels, 0.2, seed)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
