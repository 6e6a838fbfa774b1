"""Limited around optimizers without a distribution, and within several limits."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pdas.cost import ProductCost, Term
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.optimizer import Optimizer, checked_count, checked_losses
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import OptimizerError, SettingError, SpaceError

SPACE = SearchSpace({f"v{i}": tuple(range(K)) for i, K in enumerate((3, 2, 4, 1, 3))})
OTHER = SearchSpace({"v0": (0, 1)})
EVERY = SPACE.architectures(list(itertools.product(*map(range, SPACE.sizes))))


def table_cost(seed: int) -> ProductCost:
    table = np.random.default_rng(seed).integers(1, 9, (5, 4)).astype(float)
    rows = zip(table, SPACE.sizes, strict=True)
    return ProductCost(SPACE, [Term(1.0, {i: row[:K]}) for i, (row, K) in enumerate(rows)])


PARAMETERS, MULTIPLY_ADDS = table_cost(0), table_cost(1)


class Uniform:
    """Draws architectures, counts, and says that the first of all is the best."""

    smallest_tell = 1

    def __init__(self, space: SearchSpace = SPACE, seed: int = 0) -> None:
        self.space, self.rng, self.told = space, np.random.default_rng(seed), 0

    def ask(self, n: int | None = None) -> list[Architecture]:
        return [self.space.uniform(self.rng) for _ in range(checked_count(n, 2))]

    def tell(
        self,
        architectures: Sequence[Architecture],
        losses: npt.ArrayLike,
        active: npt.ArrayLike | None = None,
    ) -> None:
        self.told += len(checked_losses(self.space, architectures, losses)[1])

    def best(self) -> Architecture:
        return EVERY[-1]

    def measures(self) -> dict[str, float]:
        return {"told": self.told}

    def state_dict(self) -> dict[str, Any]:
        return {"told": self.told, "random": self.rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.told, self.rng.bit_generator.state = state["told"], state["random"]


def dear(cost: ProductCost) -> Architecture:
    return max(EVERY, key=cost)


def middle(cost: ProductCost) -> float:
    return float(np.median([cost(a) for a in EVERY]))


def test_without_a_distribution_the_best_is_the_best_that_was_told_within_the_limit() -> None:
    limit = Limit(PARAMETERS, middle(PARAMETERS))
    limited = Limited(Uniform(), limit)
    assert limit.holds(limited.best())  # before anything was told
    within = [a for a in EVERY if limit.holds(a)][:3]
    limited.tell([*within, dear(PARAMETERS)], [0.3, 0.2, 0.4, 0.1])
    assert limited.best() == within[1]
    limited.tell(within[:1], [0.25])  # no better
    limited.tell(within[2:], [0.2])  # as good, but later
    assert limited.best() == within[1]
    limited.tell([within[2], within[0]], [np.nan, 0.1])
    assert limited.best() == within[0]


def test_a_loss_that_is_minus_infinity_is_not_the_best() -> None:
    limited = Limited(Uniform(), Limit(PARAMETERS, 1e9))
    limited.tell(EVERY[:2], [-np.inf, 3.0])
    assert limited.best() == EVERY[1]


def test_what_it_asks_of_any_optimizer_is_within_the_limit() -> None:
    limit = Limit(PARAMETERS, middle(PARAMETERS))
    limited = Limited(Uniform(), limit)
    assert all(limit.holds(a) for _ in range(50) for a in limited.ask(3))
    assert 0 < limited.rejection_rate < 1
    assert limited.measures() == {"told": 0, "rejection_rate": limited.rejection_rate}


def test_the_best_that_was_told_is_part_of_the_state() -> None:
    limit = Limit(PARAMETERS, middle(PARAMETERS))
    limited, again = Limited(Uniform(), limit), Limited(Uniform(seed=5), limit)
    for loss in (0.3, 0.2, 0.4):
        limited.tell(limited.ask(1), [loss])
    again.load_state_dict(json.loads(json.dumps(limited.state_dict())))
    assert again.best() == limited.best()
    for one in (limited, again):
        one.tell(one.ask(1), [0.25])
    assert again.best() == limited.best() and again.state_dict() == limited.state_dict()


@pytest.mark.parametrize("seen", [3, {"loss": 1.0}, {"architecture": {"v0": 9}, "loss": 1.0}])
def test_a_state_with_a_damaged_best_is_refused(seen: object) -> None:
    limited = Limited(Uniform(), Limit(PARAMETERS, 1e9))
    before = limited.state_dict()
    with pytest.raises(OptimizerError, match="load_state_dict: found"):
        limited.load_state_dict({**before, "seen": seen})
    assert limited.state_dict() == before


def both(share: float = 1.0) -> list[Limit]:
    costs = (PARAMETERS, MULTIPLY_ADDS)
    return [Limit(cost, share * middle(cost)) for cost in costs]


@pytest.mark.parametrize("optimizer", [PDAS(SPACE, seed=1), Uniform()], ids=["PDAS", "Uniform"])
def test_what_is_within_two_limits_is_within_each(optimizer: Optimizer) -> None:
    first, second = both()
    limited = Limited(optimizer, [first, second])
    assert limited.limits == (first, second)
    for _ in range(30):
        asked = limited.ask()
        limited.tell(asked, [a.indices.sum() for a in asked])
        for architecture in (*asked, limited.best()):
            assert PARAMETERS(architecture) <= first.maximum
            assert MULTIPLY_ADDS(architecture) <= second.maximum


def test_the_best_within_two_limits_is_the_most_probable() -> None:
    rng = np.random.default_rng(3)
    initial = {name: rng.dirichlet(np.ones(len(labels))) for name, labels in SPACE.items()}
    pdas = PDAS(SPACE, initial=initial)
    limited = Limited(pdas, both(0.9))
    within = [a for a in EVERY if all(limit.holds(a) for limit in limited.limits)]
    assert limited.best() == max(within, key=pdas.log_probability)


def test_one_limit_in_a_list_is_that_limit() -> None:
    limit = Limit(PARAMETERS, middle(PARAMETERS))
    one, listed = Limited(PDAS(SPACE), limit), Limited(PDAS(SPACE), [limit])
    assert listed.ask(20) == one.ask(20) and listed.best() == one.best()
    assert listed.state_dict() == one.state_dict()


def test_the_limit_that_cannot_be_met_is_named() -> None:
    least = min(map(MULTIPLY_ADDS, EVERY))
    limits = [Limit(PARAMETERS, 1e9), Limit(MULTIPLY_ADDS, least - 1)]
    with pytest.raises(SettingError, match=rf"^limit\[1\]\.maximum: .* at least {least}"):
        Limited(PDAS(SPACE), limits)


def test_limits_that_cannot_be_met_together_are_named() -> None:
    """Each alone is met by an architecture that is over the other."""
    cheap = ProductCost(SPACE, [Term(1.0, {0: [0, 1, 2]})])
    dear_ = ProductCost(SPACE, [Term(-1.0, {0: [0, 1, 2]})])
    with pytest.raises(
        SettingError, match=r"^limit: found no .* limit\[0\] of 0 .* and limit\[1\] of -1 .*; raise"
    ) as caught:
        Limited(PDAS(SPACE), [Limit(cheap, 0), Limit(dear_, -1)])
    assert "\n" not in str(caught.value)


def test_a_draw_that_finds_nothing_says_which_limit_it_is_over() -> None:
    space = SearchSpace({f"v{i}": (0, 1, 2) for i in range(30)})
    sums = ProductCost(space, [Term(1.0, {i: [0, 1, 2]}) for i in range(30)])
    limited = Limited(PDAS(space), [Limit(sums, 1e9), Limit(sums, 0)])
    with pytest.raises(
        OptimizerError, match=r"0 over limit\[0\] of 1e\+09, 256 over limit\[1\] of 0"
    ):
        limited.ask(1)


@pytest.mark.parametrize("limits", [[], 3, None, [Limit(PARAMETERS, 9), 3], "ab"])
def test_what_is_no_limit(limits: Any) -> None:
    with pytest.raises(SettingError, match=r"limit: found .*, expected a Limit, or a list of"):
        Limited(PDAS(SPACE), limits)


def test_the_cost_of_another_space_is_named() -> None:
    limits = [Limit(PARAMETERS, 1e9), Limit(ProductCost(OTHER, []), 1.0)]
    with pytest.raises(SpaceError, match=r"limit\[1\]\.cost: found ProductCost of another"):
        Limited(PDAS(SPACE), limits)


def test_what_else_an_optimizer_has_can_be_read_through_its_wrappers() -> None:
    pdas = PDAS(SPACE, samples=3)
    wrapped = Penalised(Limited(pdas, both()), Penalty(PARAMETERS, 5.0, 0.1))
    assert (wrapped.samples, wrapped.smallest_tell) == (3, 2)
    assert np.array_equal(wrapped.theta_array, pdas.theta_array)
    assert wrapped.measures() == {**pdas.measures(), "rejection_rate": 0.0}
    with pytest.raises(AttributeError, match="theta_array"):
        Limited(Uniform(), both()).theta_array  # noqa: B018
    assert Limited(Uniform(), both()).smallest_tell == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_wrapper_can_be_copied(copied: Any) -> None:
    limited = Limited(PDAS(SPACE), both())
    again = copied(limited)
    assert again.ask(5) == limited.ask(5)
