from __future__ import annotations

import numpy as np
import pytest
from pdas_reference import factor, fisher

from pdas.methods.pdas.distribution import CategoricalProduct
from pdas.methods.pdas.natural_gradient import fisher_trace, natural_gradient, whitened

SIZES = np.array([2, 5, 1, 9, 3])


def random_distribution(rng: np.random.Generator) -> CategoricalProduct:
    p = CategoricalProduct(SIZES)
    theta = rng.random(p.theta.shape) ** 3 * ~p.padding
    p.set(theta / theta.sum(axis=1, keepdims=True))
    return p


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
    for i, K in enumerate(SIZES):
        theta, reduced = p.theta[i, :K].tolist(), g[i, : K - 1]
        A, F = np.array(factor(theta)), np.array(fisher(theta))
        if K > 1:
            np.testing.assert_allclose(product[i, : K - 1], A.T @ reduced, rtol=1e-9, atol=1e-12)
            length += reduced @ F @ reduced
        assert not product[i, K - 1 :].any()
    assert (product**2).sum() == pytest.approx(length)


def test_the_natural_gradient_is_unbiased() -> None:
    """The mean of f(M) (M - theta) over all M is F^-1 times the gradient of the mean of f."""
    rng = np.random.default_rng(0)
    p = CategoricalProduct(np.array([2, 3]))
    p.set(np.array([[0.4, 0.6, 0], [0.5, 0.3, 0.2]]))
    f = rng.normal(size=(2, 3))
    every = np.array([(a, b) for a in range(2) for b in range(3)])
    probability = np.exp([p.log_probability(indices) for indices in every])
    weights = 6 * probability * f[every[:, 0], every[:, 1]]  # 6: it averages over its samples
    g = natural_gradient(p, every, np.repeat(weights[:, np.newaxis], 2, axis=1))
    marginals = f @ p.theta[1], p.theta[0, :2] @ f  # gradients by the unreduced parameters
    for i, (K, by_category) in enumerate(zip((2, 3), marginals, strict=True)):
        gradient = by_category[:-1] - by_category[-1]
        expected = np.linalg.solve(fisher(p.theta[i, :K].tolist()), gradient)
        np.testing.assert_allclose(g[i, : K - 1], expected, rtol=1e-10)


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
