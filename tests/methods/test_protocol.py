"""PDAS, also within a cost, does what every optimizer must."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pdas.cost import ProductCost, Term
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.optimizer import Optimizer
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.testing import OptimizerTests


def size(space: SearchSpace) -> ProductCost:
    """The sum of the indices."""
    return ProductCost(space, [Term(1.0, {i: np.arange(K)}) for i, K in enumerate(space.sizes)])


Make = Callable[[SearchSpace, int], Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "adaptive": lambda space, seed: PDAS(space, seed=seed),
    "fixed": lambda space, seed: PDAS(space, seed=seed, eta="fixed"),
    "eight samples": lambda space, seed: PDAS(space, seed=seed, samples=8),
    "limited": lambda space, seed: Limited(PDAS(space, seed=seed), Limit(size(space), 6.0)),
    "limited twice": lambda space, seed: Limited(
        PDAS(space, seed=seed), [Limit(size(space), 6.0), Limit(size(space), 7.0)]
    ),
    "penalised": lambda space, seed: Penalised(
        PDAS(space, seed=seed), Penalty(size(space), target=5.0, weight=0.1)
    ),
}


class TestOptimizers(OptimizerTests):
    @pytest.fixture(params=OPTIMIZERS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        return OPTIMIZERS[request.param]
