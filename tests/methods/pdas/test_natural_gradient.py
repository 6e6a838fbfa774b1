from __future__ import annotations

import numpy as np
import pytest
from pdas_reference import factor, fisher

from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.methods.pdas.natural_gradient import fisher_trace, natural_gradient, whitened

SIZES = np.array([2, 5, 1, 9, 3])


def random_distribution(rng: np.random.Generator) -> CategoricalProduct:
    p = CategoricalProduct(SIZES)
    theta = [rng.random(K) ** 3 for K in SIZES]
    p.set(p.layout.with_padding(np.concatenate([row / row.sum() for row in theta])))
    return p


def rows(p: CategoricalProduct, values: np.ndarray) -> list[np.ndarray]:
    """The numbers of each variable."""
    return np.split(p.layout.without_padding(values), p.sizes.cumsum()[:-1])


@pytest.mark.parametrize("K", range(2, 10))
def test_the_factor_is_one_of_the_fisher_matrix(K: int) -> None:
    theta = np.random.default_rng(K).dirichlet(np.ones(K)).tolist()
    A, F = np.array(factor(theta)), np.array(fisher(theta))
    np.testing.assert_allclose(A @ A.T, F, rtol=1e-12)


@pytest.mark.parametrize("K", range(2, 7))
def test_the_fisher_matrix_is_the_covariance_of_the_score(K: int) -> None:
    """d ln p / d theta_j of the reduced parameter: m_j / theta_j - m_K / theta_K."""
    theta = np.random.default_rng(K).dirichlet(np.ones(K))
    scores = np.vstack([np.diag(1 / theta[:-1]), -np.ones(K - 1) / theta[-1]])
    np.testing.assert_allclose(
        np.einsum("m,mj,mk->jk", theta, scores, scores), fisher(theta.tolist()), rtol=1e-10
    )


@pytest.mark.parametrize("seed", range(10))
def test_whitened_gradients(seed: int) -> None:
    """A^T g equals the product with the matrix; its length is that of g in the Fisher metric."""
    rng = np.random.default_rng(seed)
    p = random_distribution(rng)
    g = natural_gradient(p, p.sample(rng, 4), rng.normal(size=(4, len(SIZES))) * p.free)
    product = whitened(p, g)
    length = 0.0
    by_variable = zip(SIZES, *(rows(p, each) for each in (p.theta, g, product)), strict=True)
    for K, row, of_g, of_product in by_variable:
        theta, reduced = row.tolist(), of_g[:-1]
        A, F = np.array(factor(theta)), np.array(fisher(theta))
        if K > 1:
            np.testing.assert_allclose(of_product[:-1], A.T @ reduced, rtol=1e-9, atol=1e-12)
            length += reduced @ F @ reduced
        assert of_product[-1] == 0
    assert not product[p.padding].any()
    assert (product**2).sum() == pytest.approx(length)


def test_the_natural_gradient_is_unbiased() -> None:
    """The mean of f(M) (M - theta) over all M is F^-1 times the gradient of the mean of f."""
    rng = np.random.default_rng(0)
    p = CategoricalProduct(np.array([2, 3]))
    p.set(p.layout.with_padding(np.array([0.4, 0.6, 0.5, 0.3, 0.2])))
    f = rng.normal(size=(2, 3))
    every = np.array([(a, b) for a in range(2) for b in range(3)])
    probability = np.exp([p.log_probability(indices) for indices in every])
    weights = 6 * probability * f[every[:, 0], every[:, 1]]  # 6: it averages over its samples
    g = natural_gradient(p, every, np.repeat(weights[:, np.newaxis], 2, axis=1))
    first, second = rows(p, p.theta)
    marginals = f @ second, first @ f  # gradients by the unreduced parameters
    for theta, of_g, by_category in zip((first, second), rows(p, g), marginals, strict=True):
        gradient = by_category[:-1] - by_category[-1]
        expected = np.linalg.solve(fisher(theta.tolist()), gradient)
        np.testing.assert_allclose(of_g[:-1], expected, rtol=1e-10)


@pytest.mark.parametrize("lam", [2, 5])
def test_the_trace_is_the_mean_squared_length(lam: int) -> None:
    rng = np.random.default_rng(1)
    p = random_distribution(rng)
    utility = np.linspace(1, -1, lam)
    active = rng.random((lam, len(SIZES))) < 0.7
    weights = utility[:, np.newaxis] * (active & p.free)
    lengths = [
        (whitened(p, natural_gradient(p, p.sample(rng, lam), weights)) ** 2).sum()
        for _ in range(20_000)
    ]
    error = np.std(lengths) / np.sqrt(len(lengths))
    assert abs(np.mean(lengths) - fisher_trace(p, weights)) < 4 * error


def test_the_trace_of_two_samples_is_half_of_n() -> None:
    p = CategoricalProduct(SIZES)
    weights = np.array([[1.0], [-1.0]]) * p.free
    assert fisher_trace(p, weights) == (SIZES - 1).sum() / 2
