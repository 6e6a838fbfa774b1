"""The most probable architectures are those of the enumerated space, sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

import numpy as np
import numpy.typing as npt
import pytest

from pdas.space.most_probable import most_probable


def random_theta(sizes: list[int], seed: int) -> list[np.ndarray]:
    """The probabilities of each variable."""
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(K)) for K in sizes]


def ranked(theta: Sequence[npt.ArrayLike]) -> Iterator[tuple[np.ndarray, float]]:
    rows = [np.array(row) for row in theta]
    return most_probable(np.concatenate(rows), np.array([len(row) for row in rows]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sizes", [[4], [1, 3], [2, 2, 2, 2], [3, 1, 5, 2, 4], [1, 1]])
def test_all_architectures_in_the_order_of_their_probabilities(sizes: list[int], seed: int) -> None:
    theta = random_theta(sizes, seed)
    every = list(product(*map(range, sizes)))
    by_indices = {each: np.prod([theta[i][j] for i, j in enumerate(each)]) for each in every}
    found = list(ranked(theta))
    assert len(found) == len(every)
    assert {tuple(indices.tolist()) for indices, _ in found} == set(every)
    for indices, probability in found:
        assert probability == pytest.approx(by_indices[tuple(indices.tolist())])
    np.testing.assert_allclose(
        [p for _, p in found], sorted(by_indices.values(), reverse=True), rtol=1e-12
    )
    assert found[0][0].tolist() == [row.argmax() for row in theta]


def test_what_has_no_probability_is_left_out() -> None:
    theta = [[0.0, 1.0], [0.5, 0.0, 0.5], [1.0, 0.0, 0.0]]
    assert [(indices.tolist(), p) for indices, p in ranked(theta)] == [
        ([1, 0, 0], 0.5),
        ([1, 2, 0], 0.5),
    ]


def test_equally_probable_ones_come_in_a_fixed_order_without_repetition() -> None:
    theta = [[0.5, 0.5]] * 3
    first, again = ([tuple(indices.tolist()) for indices, _ in ranked(theta)] for _ in range(2))
    assert first == again and first[0] == (0, 0, 0) and set(first) == set(product((0, 1), repeat=3))


def test_a_large_space_is_not_enumerated() -> None:
    theta = random_theta([5] * 40, 0)  # 5^40 architectures
    found = list(islice(ranked(theta), 1000))
    probabilities = [p for _, p in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len({tuple(indices.tolist()) for indices, _ in found}) == 1000
