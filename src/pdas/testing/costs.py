"""What every cost must do: what `pdas.cost.Cost` promises, as tests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.support.errors import SpaceError

DRAWS = 20


class CostTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give one fixture.

    `cost`: a cost of at least two architectures that differ in it.

    Example:
        class TestEnergy(CostTests):
            @pytest.fixture
            def cost(self):
                return Energy(net.space)
    """

    def test_it_is_a_finite_number_the_same_every_time(self, cost: Any) -> None:
        for architecture in _drawn(cost.space):
            value = cost(architecture)
            assert isinstance(value, int | float) and math.isfinite(value)
            assert cost(architecture) == value

    def test_an_architecture_of_another_space_is_refused(self, cost: Any) -> None:
        other = SearchSpace({"of another space": ["a", "b"]})
        with pytest.raises(SpaceError):
            cost(other.architecture([0]))

    def test_a_limit_holds(self, cost: Any) -> None:
        costs = [cost(architecture) for architecture in _drawn(cost.space)]
        assert min(costs) < max(costs), "give a space whose architectures differ in their cost"
        limit = Limit(cost, float(np.median(costs)))
        optimizer = Limited(PDAS(cost.space, seed=0), limit)
        assert all(cost(each) <= limit.maximum * (1 + 1e-9) for each in optimizer.ask(DRAWS))
        assert limit.holds(optimizer.best())

    def test_a_penalty_grows_with_it(self, cost: Any) -> None:
        drawn = sorted(_drawn(cost.space), key=cost)
        target = cost(drawn[0])
        if target > 0:
            penalties = [*map(Penalty(cost, target, 1.0), drawn)]
            assert penalties[0] == 0 and penalties == sorted(penalties)


def _drawn(space: SearchSpace) -> list[Any]:
    rng = np.random.default_rng(0)
    return [space.uniform(rng) for _ in range(DRAWS)]
