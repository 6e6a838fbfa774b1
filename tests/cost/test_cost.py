from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdas.cost import FunctionCost, ProductCost, Term
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import PdasError, SettingError, SpaceError

SPACE = SearchSpace({"op": ("conv3", "conv5", "skip"), "width": (8, 16), "one": ("only",)})
OTHER = SearchSpace({**SPACE, "width": (8, 32)})
INDICES = np.stack(np.meshgrid(range(3), range(2), range(1)), axis=-1).reshape(-1, 3)


def by_hand(terms: list[Term], architecture: Architecture) -> float:
    """The definition: each term's value times the factors of what is chosen."""
    total = 0.0
    for term in terms:
        product = term.value
        for i, factor in term.factors.items():
            product *= np.asarray(factor)[architecture.indices[i]]
        total += product
    return total


def random_terms(
    space: SearchSpace, rng: np.random.Generator, most: int = 4, count: int = 30
) -> list[Term]:
    """Of integers: masks, widths, and now and then a factor that is the same for all."""
    terms = []
    for _ in range(count):
        number = rng.integers(0, min(most, len(space)) + 1)
        factors: dict[int, npt.ArrayLike] = {}
        for i in rng.choice(len(space), number, replace=False):
            K = space.sizes[i]
            kind = rng.integers(3)
            factors[int(i)] = (
                rng.integers(0, 2, K) if kind == 0 else 8 * rng.integers(1, 9, K) ** (kind - 1)
            )
        terms.append(Term(float(rng.integers(1, 10_000)), factors))
    return terms


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def some_space(sizes: list[int]) -> SearchSpace:
    return SearchSpace({f"v{i}": tuple(range(K)) for i, K in enumerate(sizes)})


def some_theta(space: SearchSpace, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: rng.dirichlet(np.ones(len(labels))) for name, labels in space.items()}


def enumerated(space: SearchSpace) -> list[Architecture]:
    grid = np.stack(np.meshgrid(*map(np.arange, space.sizes)), axis=-1)
    return space.architectures(grid.reshape(-1, len(space)))


@given(SIZES, st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_terms_over_the_enumerated_space(sizes: list[int], seed: int) -> None:
    space, rng = some_space(sizes), np.random.default_rng(seed)
    terms = random_terms(space, rng)
    cost, architectures = ProductCost(space, terms), enumerated(space)
    values = [by_hand(terms, a) for a in architectures]
    assert [cost(a) for a in architectures] == values  # integers: exactly

    theta = some_theta(space, rng)
    p = [
        math.prod(theta[n][i] for n, i in zip(space, a.indices, strict=True)) for a in architectures
    ]
    assert cost.expected(theta) == pytest.approx(np.dot(p, values), rel=1e-12)


@given(SIZES, st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_an_additive_cost_is_its_table(sizes: list[int], seed: int) -> None:
    space = some_space(sizes)
    terms = random_terms(space, np.random.default_rng(seed), most=1)
    cost = ProductCost(space, terms)
    assert cost.additive
    rows = np.split(cost.table, space.sizes.cumsum()[:-1])
    for a in enumerated(space):
        assert cost.constant + sum(
            row[i] for row, i in zip(rows, a.indices, strict=True)
        ) == by_hand(terms, a)


@pytest.mark.parametrize(
    ("factors", "additive"),
    [
        ({}, True),
        ({0: [0, 1, 0]}, True),
        ({0: [0, 1, 0], 1: [4, 4], 2: [5]}, True),
        ({0: [1, 1, 1], 1: [8, 16]}, True),
        ({0: [0, 0, 0], 1: [8, 16]}, True),
        ({0: [0, 1, 0], 1: [8, 16]}, False),
    ],
)
def test_what_is_additive(factors: Mapping[int, npt.ArrayLike], additive: bool) -> None:
    cost = ProductCost(SPACE, [Term(7.0), Term(3.0, factors), Term(0.0, {0: [1, 2, 3], 1: [1, 2]})])
    assert cost.additive == additive
    assert [cost(a) for a in SPACE.architectures(INDICES)] == [
        by_hand([Term(7.0), Term(3.0, factors)], a) for a in SPACE.architectures(INDICES)
    ]


def test_a_cost_keeps_no_array_that_was_given() -> None:
    factor = np.array([1.0, 2.0, 3.0])
    cost = ProductCost(SPACE, [Term(1.0, {0: factor}), Term(1.0, {0: factor, 1: [1, 2]})])
    a = SPACE.architecture([2, 1, 0])
    before = cost(a)
    factor[:] = 0
    assert cost(a) == before == 9
    with pytest.raises(ValueError, match="read-only"):
        cost.table[0] = 1


def test_many_products() -> None:
    terms = random_terms(SPACE, np.random.default_rng(0), most=3, count=300)
    cost = ProductCost(SPACE, terms)
    for a in SPACE.architectures(INDICES):
        assert cost(a) == by_hand(terms, a)


@given(SIZES, st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_cheapest_of_an_additive_cost(sizes: list[int], seed: int) -> None:
    space, rng = some_space(sizes), np.random.default_rng(seed)
    terms = [Term(1.0, {i: rng.integers(-3, 9, K)}) for i, K in enumerate(space.sizes)]
    cost = ProductCost(space, [*terms, Term(5.0)])
    assert cost(cost.cheapest()) == min(map(cost, enumerated(space)))


def test_a_product_says_nothing_of_the_cheapest() -> None:
    cost = ProductCost(SPACE, [Term(1.0, {0: [1, 2, 3], 1: [8, 16]})])
    with pytest.raises(SettingError, match=r"cheapest: .*expected an additive one; compare") as e:
        cost.cheapest()
    assert "\n" not in str(e.value)


def test_a_table_of_latencies() -> None:
    table = {"op": {"conv5": 2.1, "conv3": 1.2, "skip": 0}, "width": {16: 0.5, 8: 0.25}}
    cost = ProductCost.from_table(SPACE, table, constant=3.0)
    for a in SPACE.architectures(INDICES):
        expected = 3 + table["op"][a["op"]] + table["width"][a["width"]]  # type: ignore[index]
        assert cost(a) == pytest.approx(expected, rel=1e-15)
    assert cost.additive
    partial = ProductCost.from_table(SPACE, {"width": {8: 1.5, 16: 2.5}})
    assert partial(SPACE.architecture([1, 1, 0])) == 2.5


@pytest.mark.parametrize(
    ("table", "constant", "error", "message"),
    [
        ({"ops": {"conv3": 1}}, 0.0, SpaceError, "unknown variables 'ops', expected some of"),
        (
            {"width": {8: 1, 64: 1}},
            0.0,
            SpaceError,
            "'width': found unknown label 64, expected one of 8",
        ),
        (
            {"op": {"conv3": 1}},
            0.0,
            SpaceError,
            "'op': found no costs of the labels 'conv5', 's",
        ),
        ({"width": {8: 1, 16: -2}}, 0.0, SettingError, "'width', label 16: found -2, expected"),
        ({"width": {8: 1, 16: math.nan}}, 0.0, SettingError, "label 16: found nan"),
        ({"width": {8: 1, 16: "2"}}, 0.0, SettingError, "label 16: found '2'"),
        ({"width": {8: 1, 16: True}}, 0.0, SettingError, "label 16: found True"),
        ({"width": [1, 2]}, 0.0, SpaceError, r"'width': found \[1, 2\], expected a mapping"),
        ({}, math.inf, SettingError, "constant: found inf, expected a finite number >= 0"),
    ],
)
def test_tables_that_do_not_fit(
    table: dict[str, dict[object, float]], constant: float, error: type[PdasError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        ProductCost.from_table(SPACE, table, constant)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("term", "error", "message"),
    [
        (Term(math.nan), SettingError, "term of value nan"),
        (Term(1.0, {3: [1]}), SpaceError, "factor of variable 3, expected positions from 0 to 2"),
        (Term(1.0, {-1: [1]}), SpaceError, "factor of variable -1"),
        (Term(1.0, {1: [1, 2, 3]}), SpaceError, "'width', expected 2 finite numbers"),
        (Term(1.0, {1: [1, math.inf]}), SpaceError, "'width', expected 2 finite numbers"),
    ],
)
def test_terms_that_do_not_fit(term: Term, error: type[PdasError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        ProductCost(SPACE, [term])
    assert "\n" not in str(caught.value)


def test_architectures_of_another_space() -> None:
    product = ProductCost(SPACE, [Term(1.0, {1: [8, 16]})])
    for cost in (product, FunctionCost(SPACE, lambda a: len(str(a["op"])))):
        with pytest.raises(SpaceError, match="cost: found an architecture of another search space"):
            cost(OTHER.architecture([0, 0, 0]))


def test_theta_that_does_not_fit() -> None:
    cost = ProductCost(SPACE, [Term(1.0, {1: [8, 16]})])
    good = {"op": [0.2, 0.3, 0.5], "width": [0.5, 0.5], "one": [1.0]}
    assert cost.expected(good) == 12
    for bad, message in (
        ({"op": good["op"]}, "found variables missing 'width', 'one', expected exactly"),
        ({**good, "width": [1.0]}, "'width'.*expected 2 probabilities"),
        ({**good, "width": [0.9, 0.9]}, "'width'.*sum to one"),
        ({**good, "width": [1.5, -0.5]}, "'width'"),
    ):
        with pytest.raises(SpaceError, match=message):
            cost.expected(bad)


def test_any_function_is_a_cost() -> None:
    cost = FunctionCost(SPACE, lambda a: {"conv3": 9, "conv5": 25, "skip": 0}[str(a["op"])])
    assert cost.space == SPACE
    assert [cost(a) for a in SPACE.architectures([[0, 0, 0], [1, 1, 0]])] == [9, 25]
