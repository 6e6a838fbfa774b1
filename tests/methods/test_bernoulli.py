"""The predecessor of PDAS, against its rule written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pdas
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.settings import SearchSettings
from pdas.testing import OptimizerTests


class TestBernoulli(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: METHODS["bernoulli"]().build(MethodRequest(space, seed, 2))


def test_of_binary_variables_it_is_the_bernoulli_rule() -> None:
    """theta <- theta + eta * mean over samples of u (m - theta), within [1/d, 1 - 1/d]."""
    D = 12
    space = pdas.SearchSpace({f"bit{i}": [0, 1] for i in range(D)})
    optimizer = METHODS["bernoulli"]().build(MethodRequest(space, seed=3, samples=2))
    p = np.full(D, 0.5)
    for _ in range(300):
        asked = optimizer.ask()
        losses = [float(a.indices @ np.arange(D)) + 0.3 * a.indices[0] for a in asked]
        optimizer.tell(asked, losses)
        if losses[0] != losses[1]:
            better, worse = (asked[i].indices for i in np.argsort(losses))
            p += 1 / D * ((better - p) - (worse - p)) / 2
            p = np.clip(p, 1 / D, 1 - 1 / D)
        np.testing.assert_allclose(optimizer.theta_array.reshape(D, 2)[:, 1], p, atol=1e-12)


def test_it_is_found_by_its_name() -> None:
    assert SearchSettings(method="bernoulli").method.name == "bernoulli"
