"""The optimizer against the slow reference, over random spaces, samples, losses and masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pdas_reference import ReferencePDAS

from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.support.errors import NonFiniteLossError

UPDATES = 50


def random_space(rng: np.random.Generator, largest: int = 9) -> SearchSpace:
    sizes = rng.integers(1, largest + 1, size=rng.integers(1, 13))
    sizes[0] = max(sizes[0], 2)
    return SearchSpace({f"v{i}": range(K) for i, K in enumerate(sizes.tolist())})


def random_losses(rng: np.random.Generator, lam: int) -> list[float]:
    """Sometimes distinct, sometimes with ties, sometimes with NaN and infinities."""
    kind = rng.integers(3)
    if kind == 0:
        return rng.normal(size=lam).tolist()
    losses = rng.integers(-2, 3, size=lam).astype(float)
    if kind == 2:
        broken = rng.random(lam) < 0.3
        losses[broken] = rng.choice([math.nan, math.inf, -math.inf], size=broken.sum())
    return losses.tolist()


def assert_agrees(optimizer: PDAS, reference: ReferencePDAS) -> None:
    for row, expected in zip(optimizer.theta.values(), reference.theta, strict=True):
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-10)
    assert optimizer.eta == pytest.approx(reference.eta, abs=1e-10)
    if reference.fixed is None:
        rate = optimizer.state_dict()["eta"]
        assert rate["gamma"] == pytest.approx(reference.gamma, abs=1e-10)
        s, start = np.array(rate["s"]), optimizer._p.layout.start
        for begin, expected in zip(start, reference.s, strict=True):
            row = s[begin : begin + len(expected)]
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-10)
            s[begin : begin + len(expected)] = 0
        assert not s.any()  # nothing in the padding


def random_update(
    rng: np.random.Generator, optimizer: PDAS, reference: ReferencePDAS, masked: bool
) -> bool:
    """Tell both the same; whether theta learned from it."""
    space, lam = optimizer.space, int(rng.integers(2, 13))
    samples = rng.integers(space.sizes, size=(lam, len(space)))
    losses = random_losses(rng, lam)
    active = rng.random(samples.shape) < 0.6 if masked else None
    before = optimizer.theta_array
    if not np.isfinite(losses).any():
        with pytest.raises(NonFiniteLossError):
            optimizer.tell(space.architectures(samples), losses, active)
    else:
        optimizer.tell(space.architectures(samples), losses, active)
        reference.tell(samples.tolist(), losses, None if active is None else active.tolist())
    assert_agrees(optimizer, reference)
    return not np.array_equal(before, optimizer.theta_array)


@pytest.mark.parametrize("seed", range(20))
def test_random_updates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = random_space(rng)
    alpha = float(rng.uniform(0.5, 3))
    settings: dict[str, Any] = {"alpha": alpha}
    reference = ReferencePDAS(space.sizes.tolist(), alpha)
    if seed % 5 == 4:
        settings["eta"] = 0.07
        reference = ReferencePDAS(space.sizes.tolist(), alpha, fixed=0.07)
    optimizer = PDAS(space, **settings)
    learned = sum(
        random_update(rng, optimizer, reference, masked=seed % 2 == 1) for _ in range(UPDATES)
    )
    assert learned > UPDATES / 2


@pytest.mark.parametrize("samples", [2, 3, 4, 16])
def test_a_search_with_its_own_samples(samples: int) -> None:
    """Consistent losses, so that theta reaches its bounds."""
    rng = np.random.default_rng(samples)
    space = random_space(rng, largest=6)
    optimizer = PDAS(space, seed=1, samples=samples)
    reference = ReferencePDAS(space.sizes.tolist())
    for _ in range(200):
        architectures = optimizer.ask()
        losses = [float(a.indices.sum()) for a in architectures]
        optimizer.tell(architectures, losses)
        reference.tell([a.indices.tolist() for a in architectures], losses)
        assert_agrees(optimizer, reference)
    free = [row for row in reference.theta if len(row) > 1]
    assert any(min(row) == pytest.approx(reference.minimum(len(row))) for row in free)
