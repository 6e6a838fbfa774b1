from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdas.methods.constraints import knapsack

EXACT = {"rtol": 0, "atol": 1e-11}


def most_probable(
    theta: np.ndarray,
    table: np.ndarray,
    constant: float,
    limit: float,
    sizes: np.ndarray | None = None,
) -> np.ndarray | None:
    """Of rectangles (D, max K); all of their columns are categories unless sizes says else."""
    sizes = np.full(len(theta), theta.shape[1]) if sizes is None else sizes
    real = np.arange(theta.shape[1]) < sizes[:, np.newaxis]
    return knapsack.most_probable(theta[real], table[real], sizes, constant, limit)


def every(sizes: np.ndarray) -> np.ndarray:
    """The indices of all architectures."""
    return np.array(list(itertools.product(*map(range, sizes))))


def chosen(table: np.ndarray, indices: np.ndarray) -> np.ndarray:
    return table[np.arange(len(table)), indices]


def enumerated(
    theta: np.ndarray, sizes: np.ndarray, table: np.ndarray, constant: float, limit: float
) -> float | None:
    """The greatest probability within the limit, if above 0, by looking at all architectures."""
    p = [
        math.prod(chosen(theta, a))
        for a in every(sizes)
        if constant + math.fsum(chosen(table, a)) <= limit + 1e-12 * abs(limit)
    ]
    return max(p) if any(p) else None


def check(
    theta: np.ndarray, sizes: np.ndarray, table: np.ndarray, constant: float, limit: float
) -> None:
    found = most_probable(theta, table, constant, limit, sizes)
    expected = enumerated(theta, sizes, table, constant, limit)
    if found is None:
        assert expected is None
        return
    assert ((found >= 0) & (found < sizes)).all()
    assert constant + math.fsum(chosen(table, found)) <= limit + 2e-12 * abs(limit)
    p = math.prod(chosen(theta, found))
    assert expected is not None
    assert p == expected or math.log(p) == pytest.approx(math.log(expected), rel=0, abs=1e-11)


def random_theta(rng: np.random.Generator, sizes: np.ndarray, spread: float) -> np.ndarray:
    theta = rng.random((len(sizes), sizes.max())) ** spread
    theta *= np.arange(sizes.max()) < sizes[:, np.newaxis]
    return theta / theta.sum(axis=1, keepdims=True)


SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(np.array)


@given(SIZES, st.integers(0, 2**32 - 1), st.floats(0.1, 5), st.floats(-0.1, 1.1))
@settings(max_examples=300)
def test_costs_of_all_sorts(sizes: np.ndarray, seed: int, spread: float, share: float) -> None:
    rng = np.random.default_rng(seed)
    theta = random_theta(rng, sizes, spread)
    real = np.arange(sizes.max()) < sizes[:, np.newaxis]
    with np.errstate(divide="ignore"):
        follows = np.where(real, np.log(theta), 0) + 10
    for table in (
        rng.random(theta.shape),
        rng.normal(size=theta.shape) * 10.0 ** rng.integers(-9, 9, len(sizes))[:, np.newaxis],
        follows,
        -follows,
        follows + 1e-3 * rng.random(theta.shape),
    ):
        low, high = (
            f(np.where(real, table, e), 1).sum() for f, e in ((np.min, np.inf), (np.max, -np.inf))
        )
        check(theta, sizes, table, 3.0, 3.0 + low + share * (high - low))


@given(SIZES, st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_ties_and_impossible_categories(sizes: np.ndarray, seed: int) -> None:
    """Few values of probabilities and of costs, of which sums are often equal to the limit."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 3, (len(sizes), sizes.max())).astype(float)
    weights *= np.arange(sizes.max()) < sizes[:, np.newaxis]
    weights[np.arange(len(sizes)), rng.integers(sizes)] += 1
    theta = weights / weights.sum(axis=1, keepdims=True)
    for table in (rng.integers(0, 4, theta.shape) * 1.0, rng.integers(0, 4, theta.shape) * 0.1):
        for limit in rng.choice(chosen(table, every(sizes)).sum(axis=1), 2):
            check(theta, sizes, table, 0.0, float(limit))


def test_a_sum_that_rounding_put_above_the_limit_is_within() -> None:
    theta = np.array([[0.1, 0.9], [0.1, 0.9]])
    table = np.array([[0.0, 0.1], [0.0, 0.2]])
    assert 0.1 + 0.2 > 0.3
    found = most_probable(theta, table, 0.0, 0.3)
    assert found is not None and found.tolist() == [1, 1]


def test_limits_that_nothing_or_all_is_within() -> None:
    theta = np.array([[0.2, 0.5, 0.3], [1, 0, 0], [0.4, 0.6, 0]])
    table = np.array([[5.0, 9.0, 1.0], [2.0, 0.0, 0.0], [4.0, 7.0, 0.0]])
    for limit, expected in ((6.9, None), (7.0, [2, 0, 0]), (math.inf, [1, 0, 1])):
        found = most_probable(theta, table, 0.0, min(limit, 1e9))
        assert expected == (None if found is None else found.tolist())


def test_only_impossible_architectures_are_within() -> None:
    assert most_probable(np.array([[0.0, 1.0]]), np.array([[1.0, 2.0]]), 0.0, 1.5) is None


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_many_variables_with_whole_costs(share: float) -> None:
    """Against dynamic programming over every cost there may be."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 7, 60)
    theta = random_theta(rng, sizes, 2)
    table = rng.integers(0, 20, theta.shape).astype(float)
    limit = int(share * sum(row[:K].max() for row, K in zip(table, sizes, strict=True)))
    best = np.full(limit + 1, -np.inf)
    best[0] = 0
    for row, costs, K in zip(theta, table.astype(int), sizes, strict=True):
        longer = np.full_like(best, -np.inf)
        for p, c in zip(row[:K], costs[:K], strict=True):
            if c <= limit:
                moved = best[: limit + 1 - c] + math.log(p)
                longer[c:] = np.maximum(longer[c:], moved)
        best = longer
    found = most_probable(theta, table, 0.0, limit, sizes)
    if found is None:
        assert best.max() == -np.inf
        return
    assert chosen(table, found).sum() <= limit
    np.testing.assert_allclose(np.log(chosen(theta, found)).sum(), best.max(), **EXACT)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_costs_that_follow_the_probability(share: float) -> None:
    """The hardest: each architecture's ln p is its cost, and no bound tells any two apart."""
    theta = np.random.default_rng(1).dirichlet(np.ones(6), 100)
    table = np.log(theta) + 20
    low, high = table.min(axis=1).sum(), table.max(axis=1).sum()
    limit = low + share * (high - low)
    found = most_probable(theta, table, 0.0, limit)
    assert found is not None
    assert limit - 1e-6 < chosen(table, found).sum() <= limit * (1 + 1e-12)
