from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdas.methods.pdas.distribution import CategoricalProduct

SIZES = np.array([2, 5, 1, 3])


def some_distribution(sizes: np.ndarray = SIZES, seed: int = 0) -> CategoricalProduct:
    p = CategoricalProduct(sizes)
    rng = np.random.default_rng(seed)
    theta = [rng.dirichlet(np.ones(K)) for K in sizes]
    p.set(p.layout.with_padding(np.concatenate(theta)))
    return p


def rows(p: CategoricalProduct, values: np.ndarray) -> list[np.ndarray]:
    """The numbers of each variable."""
    return np.split(p.layout.without_padding(values), p.sizes.cumsum()[:-1])


def test_it_starts_uniform() -> None:
    p = CategoricalProduct(SIZES)
    for row, K in zip(rows(p, p.theta), SIZES, strict=True):
        assert row.tolist() == [1 / K] * K
    assert not p.theta[p.padding].any()


def test_samples_follow_theta() -> None:
    p = some_distribution()
    draws = p.sample(np.random.default_rng(1), 20_000)
    assert draws.shape == (20_000, 4)
    for i, K in enumerate(SIZES):
        counts = np.bincount(draws[:, i], minlength=K)
        assert len(counts) == K
        expected = 20_000 * rows(p, p.theta)[i]
        assert ((counts - expected) ** 2 / expected).sum() < 20  # p < 0.001 with 4 degrees
    pairs = np.corrcoef(draws[:, [0, 1, 3]].T) - np.eye(3)
    assert np.abs(pairs).max() < 0.03


@pytest.mark.parametrize(
    ("sizes", "bounds"),
    [
        ([2], [1 / 4]),  # 1 / D would be 1
        ([2, 2, 2], [1 / 4] * 3),  # 1 / D would be 1/3
        ([5] * 6, [1 / 24] * 6),
        ([2] * 4 + [7, 1], [1 / 5] * 4 + [1 / 30, 0]),  # D = 5, the constant one does not count
    ],
)
def test_lower_bounds(sizes: list[int], bounds: list[float]) -> None:
    p = CategoricalProduct(np.array(sizes))
    for row, bound in zip(rows(p, p.theta_min), bounds, strict=True):
        assert row == pytest.approx(bound)
    assert not p.theta_min[p.padding].any()


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(0, 2**32 - 1),
    st.floats(0, 10),
)
def test_bounded_theta_is_a_distribution(sizes: list[int], seed: int, length: float) -> None:
    """Whatever step of sum 0 is taken, large ones included."""
    p = CategoricalProduct(np.array(sizes))
    rng = np.random.default_rng(seed)
    steps = [step - step.mean() for step in (rng.normal(size=K) for K in sizes)]
    p.set(p.theta + length * p.layout.with_padding(np.concatenate(steps)))
    for row in rows(p, p.theta):
        np.testing.assert_allclose(row.sum(), 1, rtol=0, atol=1e-14)
    assert (p.theta >= p.theta_min).all()
    assert not p.theta[p.padding].any()


def test_a_theta_inside_its_bounds_is_kept() -> None:
    p = some_distribution()
    before = p.theta
    p.set(p.theta)
    np.testing.assert_allclose(p.theta, before, rtol=0, atol=1e-16)


def test_probability_and_entropy_over_the_enumerated_space() -> None:
    p = some_distribution()
    every = np.stack(np.meshgrid(*map(np.arange, SIZES), indexing="ij"), axis=-1).reshape(-1, 4)
    logs = np.array([p.log_probability(indices) for indices in every])
    assert np.exp(logs).sum() == pytest.approx(1)
    assert p.entropy().sum() == pytest.approx(-(np.exp(logs) * logs).sum())
    assert (every[logs.argmax()] == p.mode()).all()


def test_entropy_of_each_variable() -> None:
    entropy = CategoricalProduct(SIZES).entropy()
    assert entropy == pytest.approx([math.log(K) for K in SIZES])
    assert not np.signbit(entropy).any()


@pytest.mark.parametrize(
    ("sizes", "ceiling"),
    [
        ([2, 2, 2, 2], 0.75),
        ([3, 2, 2], (2 / 3 + 3 / 4 + 3 / 4) / 3),  # the first example of the README: 0.722
        ([3, 1, 2, 2], (2 / 3 + 3 / 4 + 3 / 4) / 3),
        ([5] * 40, 1 - 1 / 40),  # cells: the paper's bound is far away
    ],
)
def test_what_is_decided_is_the_share_of_the_convergence_that_the_bounds_allow(
    sizes: list[int], ceiling: float
) -> None:
    p = CategoricalProduct(np.array(sizes))
    uniform = p.convergence()
    assert p.decided() == 0
    first = np.zeros_like(p.theta)
    first[p.layout.start] = 1
    p.set((p.theta + first) / 2)
    c = p.convergence()
    assert p.decided() == pytest.approx((c - uniform) / (ceiling - uniform))
    p.set(first)
    assert p.convergence() == pytest.approx(ceiling)
    assert p.decided() == pytest.approx(1)
    assert p.theta_max == pytest.approx([row.max() for row in rows(p, p.theta)])


def test_without_a_choice_all_is_decided() -> None:
    assert CategoricalProduct(np.array([1, 1])).decided() == 1


def test_convergence_leaves_out_constant_variables() -> None:
    p = CategoricalProduct(SIZES)
    assert p.convergence() == pytest.approx((1 / 2 + 1 / 5 + 1 / 3) / 3)
