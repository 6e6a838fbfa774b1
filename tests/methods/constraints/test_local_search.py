from __future__ import annotations

import numpy as np
import pytest

from pdas.cost import FunctionCost
from pdas.methods.constraints.local_search import cheapest_found
from pdas.space import SearchSpace

SPACE = SearchSpace({f"v{i}": (0, 1, 2) for i in range(30)})
FIRST = SPACE.architecture([2] * 30)
COST = FunctionCost(SPACE, lambda a: float(a.indices.sum()))


def test_it_goes_down_to_where_no_change_of_one_variable_is_cheaper() -> None:
    architecture, cost = cheapest_found(COST, FIRST, -1)
    assert cost == 0 and not architecture.indices.any()

    def pairs(indices: np.ndarray) -> float:
        """Equal neighbours are cheap: a change of one variable does not go on everywhere."""
        return float((indices[::2] != indices[1::2]).sum() + indices.sum() / 100)

    bumpy = FunctionCost(SPACE, lambda a: pairs(a.indices))
    found, least = cheapest_found(bumpy, FIRST, -1)
    assert bumpy(found) == least
    for i in range(30):
        for k in range(3):
            changed = found.indices.copy()
            changed[i] = k
            assert bumpy(SPACE.architecture(changed)) >= least


@pytest.mark.parametrize("enough", [60, 30, 7])
def test_it_stops_at_what_is_enough(enough: float) -> None:
    architecture, cost = cheapest_found(COST, FIRST, enough)
    assert COST(architecture) == cost <= enough
    assert (architecture == FIRST) == (enough == 60)
    assert cheapest_found(COST, FIRST, enough) == (architecture, cost)
