from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from pdas.cost import Cost, FunctionCost, ProductCost, Term
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import OptimizerError, SettingError, SpaceError

SPACE = SearchSpace({f"v{i}": tuple(range(K)) for i, K in enumerate((3, 2, 4, 1, 3))})
OTHER = SearchSpace({"v0": (0, 1)})
TABLE = np.random.default_rng(0).integers(1, 9, (5, 4)).astype(float)
EVERY = SPACE.architectures(list(itertools.product(*map(range, SPACE.sizes))))


def additive() -> ProductCost:
    rows = zip(TABLE, SPACE.sizes, strict=True)
    return ProductCost(SPACE, [Term(1.0, {i: row[:K]}) for i, (row, K) in enumerate(rows)])


def product() -> ProductCost:
    return ProductCost(SPACE, [Term(1.0, {0: TABLE[0, :3], 2: TABLE[2]}), Term(5.0)])


def opaque() -> Cost:
    return FunctionCost(SPACE, lambda a: float(TABLE[np.arange(5), a.indices].max()))


COSTS: list[Callable[[], Cost]] = [additive, product, opaque]


def middle(cost: Cost) -> float:
    return float(np.median([cost(a) for a in EVERY]))


def some_pdas(seed: int = 0, space: SearchSpace = SPACE) -> PDAS:
    rng = np.random.default_rng(seed)
    initial = {name: rng.dirichlet(np.ones(len(labels))) for name, labels in space.items()}
    return PDAS(space, seed=seed, initial=initial)


@pytest.mark.parametrize("make", COSTS)
def test_what_is_asked_for_follows_theta_given_the_limit(make: Callable[[], Cost]) -> None:
    cost = make()
    limit = Limit(cost, middle(cost))
    limited = Limited(some_pdas(), limit)
    n = 20_000
    asked = [a for _ in range(n // 4) for a in limited.ask(4)]
    p = {a: math.exp(some_pdas().log_probability(a)) for a in EVERY if cost(a) <= limit.maximum}
    assert set(asked) <= set(p)
    mass = sum(p.values())
    for a in sorted(p, key=lambda a: -p[a])[:5]:
        q = p[a] / mass
        assert abs(asked.count(a) / n - q) < 4 * math.sqrt(q * (1 - q) / n)
    deviation = math.sqrt(mass * (1 - mass) / limited.drawn)
    assert abs(limited.rejection_rate - (1 - mass)) < 4 * deviation


@pytest.mark.parametrize("seed", range(10))
def test_the_best_of_an_additive_cost_is_the_most_probable_within(seed: int) -> None:
    cost = additive()
    for maximum in sorted({cost(a) for a in EVERY}):
        pdas = some_pdas(seed)
        best = Limited(pdas, Limit(cost, maximum)).best()
        assert cost(best) <= maximum
        within = [pdas.log_probability(a) for a in EVERY if cost(a) <= maximum]
        assert pdas.log_probability(best) == pytest.approx(max(within), abs=1e-12)


@pytest.mark.parametrize("make", [product, opaque])
def test_the_best_of_another_cost(make: Callable[[], Cost]) -> None:
    """72 architectures: 10,000 samples have all but those that are very improbable."""
    cost, pdas = make(), some_pdas(3)
    for maximum in sorted({cost(a) for a in EVERY}):
        best = Limited(pdas, Limit(cost, maximum)).best()
        assert cost(best) <= maximum
        within = max(pdas.log_probability(a) for a in EVERY if cost(a) <= maximum)
        assert pdas.log_probability(best) == pytest.approx(within, abs=1e-12) or within < -7


def test_best_obeys_the_limit_where_theta_has_left_it() -> None:
    """The loss draws to what is dear; samples within the limit become rare."""
    space = SearchSpace({f"v{i}": (0, 1) for i in range(12)})
    cost = FunctionCost(space, lambda a: int(a.indices.sum()))
    dear = space.architecture([1] * 12)
    limited = Limited(PDAS(space, initial=dear, confidence=1.0), Limit(cost, 2))
    assert cost(limited.best()) <= 2


@pytest.mark.parametrize("make", COSTS)
def test_best_changes_nothing(make: Callable[[], Cost]) -> None:
    cost = make()
    limit = Limit(cost, sorted(cost(a) for a in EVERY)[10])
    limited, twin = Limited(some_pdas(), limit), Limited(some_pdas(), limit)
    for _ in range(20):
        assert limited.best() == limited.best()
        assert limited.ask(3) == twin.ask(3)
    assert limited.state_dict() == twin.state_dict()


def test_a_search_within_a_limit_finds_the_best_within_it() -> None:
    cost = additive()
    maximum = sorted(cost(a) for a in EVERY)[20]
    target = max((a for a in EVERY if cost(a) > maximum), key=cost).indices
    loss = {a: float(np.sum(a.indices != target)) for a in EVERY}
    limited = Limited(PDAS(SPACE, seed=1), Limit(cost, maximum))
    for _ in range(600):
        architectures = limited.ask()
        limited.tell(architectures, [loss[a] for a in architectures])
    assert loss[limited.best()] == min(loss[a] for a in EVERY if cost(a) <= maximum)


@pytest.mark.parametrize(
    ("make", "known"), [(additive, "there is"), (product, "found"), (opaque, "found")]
)
def test_a_limit_that_no_architecture_meets(make: Callable[[], Cost], known: str) -> None:
    cost = make()
    least = min(cost(a) for a in EVERY)
    message = (
        rf"limit.maximum: found 0.5, expected at least {least}, the smallest cost {known} .*; "
    )
    with pytest.raises(SettingError, match=message) as caught:
        Limited(PDAS(SPACE), Limit(cost, 0.5))
    assert "\n" not in str(caught.value)
    assert Limited(PDAS(SPACE), Limit(cost, least)).limits[0].maximum == least


def test_a_rare_architecture_within_the_limit_is_found() -> None:
    """One of 3^30: no uniform draw meets it, going down one variable at a time does."""
    space = SearchSpace({f"v{i}": (0, 1, 2) for i in range(30)})
    cost = FunctionCost(space, lambda a: int(a.indices.sum()))
    limited = Limited(PDAS(space), Limit(cost, 0))
    assert limited.best() == space.architecture([0] * 30)
    with pytest.raises(
        OptimizerError, match=r"found 0 of 2.* expected 2; raise the limit"
    ) as caught:
        limited.ask()
    assert "\n" not in str(caught.value)
    assert limited.rejected == limited.drawn >= 20_000


@pytest.mark.parametrize("value", [math.nan, math.inf, "3e6", None])
def test_limits_that_are_no_numbers(value: float) -> None:
    with pytest.raises(SettingError, match=r"limit\.maximum: found .*, expected a finite number"):
        Limit(additive(), value)


def test_costs_that_are_none_or_of_another_space() -> None:
    with pytest.raises(SpaceError, match=r"limit\.cost: found ProductCost of another search space"):
        Limited(PDAS(SPACE), Limit(ProductCost(OTHER, []), 1.0))
    with pytest.raises(SettingError, match=r"limit\.cost: found int, expected a cost"):
        Limit(3, 1.0)  # type: ignore[arg-type]


def test_the_counts_of_draws_are_part_of_the_state() -> None:
    cost = additive()
    limited, again = (Limited(some_pdas(seed), Limit(cost, middle(cost))) for seed in (0, 1))
    assert limited.rejection_rate == 0
    for _ in range(20):
        limited.tell(limited.ask(), [0.1, 0.2])
    again.load_state_dict(json.loads(json.dumps(limited.state_dict())))
    for one in (limited, again):
        one.tell(one.ask(), [0.1, 0.2])
    assert again.state_dict() == limited.state_dict()
    assert (again.drawn, again.rejected) == (limited.drawn, limited.rejected)
    assert 0 < again.rejection_rate == limited.rejected / limited.drawn < 1


def test_a_state_of_a_search_without_a_limit_is_named() -> None:
    cost = additive()
    limited = Limited(some_pdas(), Limit(cost, middle(cost)))
    before = limited.state_dict()
    with pytest.raises(
        OptimizerError,
        match=r"a search within a limit .'drawn'., expected one of .*; load",
    ) as e:
        limited.load_state_dict(limited.optimizer.state_dict())
    assert "\n" not in str(e.value)
    assert limited.state_dict() == before


def test_only_architectures_of_no_probability_are_within() -> None:
    pdas = PDAS(OTHER)
    pdas._p.theta[:] = [0.0, 1.0]
    limited = Limited(pdas, Limit(ProductCost(OTHER, [Term(1.0, {0: [1, 2]})]), 1.5))
    assert limited.best()["v0"] == 0


def test_a_limit_counts_with_rounding() -> None:
    cost = ProductCost.from_table(OTHER, {"v0": {0: 0.1, 1: 5}}, constant=0.2)
    assert cost(OTHER.architecture([0])) > 0.3
    assert Limit(cost, 0.3).holds(OTHER.architecture([0]))
    assert not Limit(cost, 0.3).holds(OTHER.architecture([1]))
    architecture: Architecture = Limited(PDAS(OTHER), Limit(cost, 0.3)).best()
    assert architecture["v0"] == 0
