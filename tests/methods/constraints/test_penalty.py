from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pdas.cost import ProductCost, Term
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.support.errors import SettingError, SpaceError

SPACE = SearchSpace({f"v{i}": tuple(range(K)) for i, K in enumerate((3, 2, 4, 1, 3))})
OTHER = SearchSpace({"v0": (0, 1)})
TABLE = np.random.default_rng(0).integers(1, 9, (5, 4)).astype(float)
EVERY = SPACE.architectures(list(itertools.product(*map(range, SPACE.sizes))))
ROWS = zip(TABLE, SPACE.sizes, strict=True)
COST = ProductCost(SPACE, [Term(1.0, {i: row[:K]}) for i, (row, K) in enumerate(ROWS)])
MIDDLE = float(np.median([COST(a) for a in EVERY]))


def some_pdas() -> PDAS:
    rng = np.random.default_rng(0)
    return PDAS(SPACE, initial={name: rng.dirichlet(np.ones(len(SPACE[name]))) for name in SPACE})


def test_the_penalty_is_added_to_the_losses() -> None:
    target = MIDDLE
    penalised = Penalised(some_pdas(), Penalty(COST, target, 0.5))
    plain = some_pdas()
    rng = np.random.default_rng(0)
    for _ in range(50):
        architectures = penalised.ask(6)
        assert architectures == plain.ask(6)
        losses = rng.random(6)
        active = rng.random((6, 5)) < 0.8
        penalised.tell(architectures, losses, active)
        total = [
            x + (0.5 * (COST(a) - target) / target if COST(a) > target else 0)
            for x, a in zip(losses, architectures, strict=True)
        ]
        plain.tell(architectures, total, active)
        assert penalised.best() == plain.best()
    assert penalised.state_dict() == plain.state_dict()


def test_a_strong_penalty_leads_below_the_target() -> None:
    dearest = max(EVERY, key=COST)
    for weight, dear in ((1e-6, True), (1e3, False)):
        penalised = Penalised(PDAS(SPACE), Penalty(COST, 20, weight))
        for _ in range(600):
            asked = penalised.ask()
            penalised.tell(asked, [np.sum(a.indices != dearest.indices) for a in asked])
        assert (COST(penalised.best()) > 20) == dear


def test_both() -> None:
    limited = Limited(some_pdas(), Limit(COST, MIDDLE))
    both = Penalised(limited, Penalty(COST, MIDDLE / 2, 0.1))
    for _ in range(20):
        architectures = both.ask()
        assert all(COST(a) <= MIDDLE for a in architectures)
        both.tell(architectures, [0.0, 0.0])
    assert COST(both.best()) <= MIDDLE
    assert limited.optimizer.state_dict()["step"] == 20


@pytest.mark.parametrize("value", [0, -1.0])
def test_penalties_that_are_not_positive(value: float) -> None:
    for name, numbers in (("target", (value, 1.0)), ("weight", (1.0, value))):
        with pytest.raises(SettingError, match=rf"penalty\.{name}: found {value}.* above 0"):
            Penalty(COST, *numbers)


@pytest.mark.parametrize("value", [math.nan, math.inf, "3e6", None])
def test_penalties_that_are_no_numbers(value: float) -> None:
    with pytest.raises(SettingError, match=r"penalty\.target: found .*, expected a finite number"):
        Penalty(COST, target=value, weight=1.0)
    with pytest.raises(SettingError, match=r"penalty\.weight: found .*, expected a finite number"):
        Penalty(COST, target=1.0, weight=value)


def test_costs_that_are_none_or_of_another_space() -> None:
    with pytest.raises(
        SpaceError, match=r"penalty\.cost: found ProductCost of another search space"
    ):
        Penalised(PDAS(SPACE), Penalty(ProductCost(OTHER, []), 1.0, 1.0))
    with pytest.raises(SettingError, match=r"penalty\.cost: found function, expected a cost"):
        Penalty(lambda a: 1.0, 1.0, 1.0)  # type: ignore[arg-type]
