"""What every optimizer must do is nothing that only PDAS does."""

from __future__ import annotations

import numpy as np
import pytest
from evolution import Evolution

from pdas.cost import ProductCost, Term
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.optimizer import Optimizer
from pdas.space import SearchSpace
from pdas.testing import OptimizerTests


def size(space: SearchSpace) -> ProductCost:
    """The sum of the indices."""
    return ProductCost(space, [Term(1.0, {i: np.arange(K)}) for i, K in enumerate(space.sizes)])


def limited(space: SearchSpace, seed: int) -> Optimizer:
    return Limited(Evolution(space, seed), Limit(size(space), 6.0))


def penalised(space: SearchSpace, seed: int) -> Optimizer:
    return Penalised(Evolution(space, seed), Penalty(size(space), target=5.0, weight=0.1))


class TestEvolution(OptimizerTests):
    @pytest.fixture(params=[Evolution, limited, penalised], ids=lambda make: make.__name__)
    def make(self, request: pytest.FixtureRequest) -> object:
        return request.param
