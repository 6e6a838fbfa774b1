"""The best of what an optimizer was told."""

from __future__ import annotations

import json

import numpy as np

from pdas.methods.observed import Observed
from pdas.space import SearchSpace

SPACE = SearchSpace({"a": range(7), "b": range(5)})


def test_it_ranks_as_a_sort_of_all_that_was_told() -> None:
    rng = np.random.default_rng(0)
    observed, lowest = Observed(SPACE), dict[tuple[int, ...], float]()
    for _ in range(40):
        indices, losses = rng.integers(SPACE.sizes, size=(3, 2)), rng.normal(size=3)
        losses[0] = rng.choice([losses[0], np.nan, np.inf])
        observed.add(indices, losses)
        for row, loss in zip(map(tuple, indices.tolist()), losses.tolist(), strict=True):
            if np.isfinite(loss):
                lowest[row] = min(loss, lowest.get(row, np.inf))
    expected = sorted(lowest, key=lambda row: lowest[row])
    assert [tuple(a.indices.tolist()) for a in observed.best(10)] == expected[:10]


def test_it_keeps_the_best_of_many() -> None:
    observed = Observed(SPACE, most=3)
    for number in range(35):
        index = np.array([[number % 7, number % 5]])  # each architecture once
        observed.add(index, np.array([float(number * 11 % 35)]))
    assert [a.indices.tolist() for a in observed.best(3)] == [
        [n % 7, n % 5] for n in sorted(range(35), key=lambda n: n * 11 % 35)[:3]
    ]


def test_its_state_is_json() -> None:
    observed, restored = Observed(SPACE), Observed(SPACE)
    observed.add(np.array([[1, 2], [3, 4]]), np.array([0.5, 0.2]))
    restored.load_state_dict(json.loads(json.dumps(observed.state_dict())))
    assert restored.best(2) == observed.best(2)
    assert restored.state_dict() == observed.state_dict()
