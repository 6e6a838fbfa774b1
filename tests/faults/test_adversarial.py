"""The optimizer keeps every invariant, whatever losses it is told for however long."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pdas import PDAS, Limit, Penalty, SearchSpace
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised
from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError

SPACE = SearchSpace({"two": [0, 1], "one": ["only"], "five": list("abcde"), "three": [1, 2, 3]})
TINY, HUGE = 5e-324, 1.7e308
EDGES = np.array([0, -0.0, 1, -1, TINY, -TINY, 2.3e-308, HUGE, -HUGE, np.inf, -np.inf, np.nan])


class Ones:
    """A cost: the sum of the indices."""

    space = SPACE

    def __call__(self, architecture: Architecture) -> float:
        return float(architecture.indices.sum())


WRAP: dict[str, Callable[[PDAS], Optimizer]] = {
    "plain": lambda inner: inner,
    "limited": lambda inner: Limited(inner, Limit(Ones(), 4)),
    "penalised": lambda inner: Penalised(inner, Penalty(Ones(), 1e-300, 1e300)),
}


def make(name: str, samples: int) -> tuple[Optimizer, PDAS]:
    """An optimizer, and the PDAS in it."""
    inner = PDAS(SPACE, seed=1, samples=samples)
    return WRAP[name](inner), inner


def losses(rng: np.random.Generator, n: int) -> np.ndarray:
    """Edges, ties, values of all magnitudes, and mixtures of them."""
    kind = rng.integers(6)
    if kind == 0:
        return rng.choice(EDGES, n)
    if kind == 1:
        return np.full(n, rng.choice(EDGES))
    if kind == 2:
        return rng.standard_normal(n) * 10.0 ** rng.integers(-320, 308)
    if kind == 3:
        return 1 + rng.integers(0, 2, n) * np.finfo(float).eps  # all but ties
    if kind == 4:
        return np.where(rng.random(n) < 0.5, np.nan, rng.standard_normal(n))
    return np.sort(rng.standard_normal(n))  # the first sample is always the best


def check(optimizer: Optimizer, inner: PDAS) -> None:
    """What holds after every step."""
    theta, sizes = inner.theta_array, np.array([len(SPACE[name]) for name in SPACE])
    assert len(theta) == sizes.sum()
    for row, size in zip(np.split(theta, sizes.cumsum()[:-1]), sizes, strict=True):
        assert np.isfinite(row).all() and (row >= 0).all()
        assert abs(row.sum() - 1) < 1e-9
        if size > 1:
            assert (row >= _lower_bound(sizes, size) * (1 - 1e-9)).all()
    assert np.isfinite(inner.eta) and inner.eta > 0
    assert 0 < inner.convergence <= 1 + 1e-12


def _lower_bound(sizes: np.ndarray, size: int) -> float:
    """1 / (D (K - 1)) of D free variables (Appendix B), but at most 1 / (2 K)."""
    return float(min(1 / ((sizes > 1).sum() * (size - 1)), 1 / (2 * size)))


def run(name: str, samples: int, steps: int) -> None:
    optimizer, inner = make(name, samples)
    rng = np.random.default_rng(samples)
    step = 0
    for i in range(steps):
        asked = optimizer.ask()
        told, before = losses(rng, samples), inner.state_dict()
        try:
            optimizer.tell(asked, told)
            step += 1
        except NonFiniteLossError:
            assert not np.isfinite(told).any() or name == "penalised"
            assert inner.state_dict() == before
        check(optimizer, inner)
        if i % 500 == 0:  # also what was saved by now continues
            assert optimizer.best().space == SPACE
            again, _ = make(name, samples)
            again.load_state_dict(optimizer.state_dict())
            assert again.state_dict() == optimizer.state_dict()
    assert step > steps / 3


@pytest.mark.parametrize("samples", [2, 5])
@pytest.mark.parametrize("name", WRAP)
def test_two_thousand_steps_of_adversarial_losses(name: str, samples: int) -> None:
    run(name, samples, 2_000)


@pytest.mark.long
@pytest.mark.parametrize("samples", [2, 5])
@pytest.mark.parametrize("name", WRAP)
def test_a_hundred_thousand_steps_of_adversarial_losses(name: str, samples: int) -> None:
    run(name, samples, 100_000)
