"""Cases where a simpler published rule must come out, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace


def test_two_categories_are_the_bernoulli_rule() -> None:
    """Shirakawa et al. 2018: theta_d += eta (m_best - m_worst) / 2, clipped to [1/D, 1 - 1/D],
    with eta = 1 / D.
    """
    D = 12
    space = SearchSpace({f"bit{d}": (0, 1) for d in range(D)})
    optimizer = PDAS(space, seed=3, eta="fixed")
    assert optimizer.eta == pytest.approx(1 / D)
    bernoulli = np.full(D, 0.5)
    value = np.linspace(-1, 2, D)
    for _ in range(500):
        pair = optimizer.ask(2)
        losses = [float(value @ a.indices) for a in pair]
        optimizer.tell(pair, losses)
        best, worst = (pair[n].indices for n in np.argsort(losses))
        if losses[0] != losses[1]:
            bernoulli = np.clip(bernoulli + (best - worst) / (2 * D), 1 / D, 1 - 1 / D)
        np.testing.assert_allclose(optimizer.theta_array[1::2], bernoulli, atol=1e-12)
    assert set(np.round(bernoulli, 12)) >= {round(1 / D, 12), round(1 - 1 / D, 12)}


def test_two_samples_by_hand() -> None:
    """theta + (eta / 2) (M_best - M_worst), away from the bounds."""
    space = SearchSpace({"op": tuple("abcd"), "width": (1, 2, 3)})
    optimizer = PDAS(space, eta=0.2)
    worst, best = space.architecture([1, 2]), space.architecture([3, 2])
    optimizer.tell([worst, best], [5.0, -1.0])
    np.testing.assert_allclose(optimizer.theta["op"], [0.25, 0.15, 0.25, 0.35], atol=1e-15)
    np.testing.assert_allclose(optimizer.theta["width"], [1 / 3] * 3, atol=1e-15)


def test_more_samples_that_tie_in_two_groups_are_two_samples() -> None:
    """Four samples, two copies each of a better and a worse one, at utilities 1/2 and -1/2."""
    space = SearchSpace({"op": tuple("abcde")})
    a, b = space.architecture([0]), space.architecture([4])
    two, four = PDAS(space, eta=0.1), PDAS(space, eta=0.2)
    two.tell([a, b], [0, 1])
    four.tell([a, b, b, a], [0, 1, 1, 0])
    np.testing.assert_allclose(two.theta["op"], four.theta["op"], atol=1e-15)


def test_a_constant_variable_changes_nothing() -> None:
    free = SearchSpace({"a": range(3), "b": range(5)})
    padded = SearchSpace({"one": ["x"], "a": range(3), "two": [7], "b": range(5)})
    plain, constant = PDAS(free), PDAS(padded)
    rng = np.random.default_rng(0)
    for _ in range(100):
        indices = rng.integers(free.sizes, size=(3, 2))
        losses = rng.normal(size=3)
        plain.tell(free.architectures(indices), losses)
        constant.tell(padded.architectures(np.insert(indices, [0, 1], 0, axis=1)), losses)
    for name in free:
        np.testing.assert_allclose(plain.theta[name], constant.theta[name], atol=1e-14)
    assert constant.eta == pytest.approx(plain.eta)
    assert constant.convergence == pytest.approx(plain.convergence)
    assert constant.theta["one"].tolist() == [1.0] == constant.theta["two"].tolist()


def test_nothing_to_choose() -> None:
    space = SearchSpace({"op": ["only"]})
    optimizer = PDAS(space)
    optimizer.tell(optimizer.ask(), [1.0, 2.0])
    assert optimizer.best()["op"] == "only"
    assert optimizer.convergence == 1
