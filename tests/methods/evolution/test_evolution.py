"""Evolution, against its definition step by step."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

import pdas
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.evolution.mutation import OneVariable
from pdas.methods.evolution.optimizer import Evolution
from pdas.support.errors import SettingError
from pdas.testing import OptimizerTests

SPACE = pdas.SearchSpace({"a": range(4), "b": range(3), "one": ["only"], "c": range(5)})


class TestEvolution(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: Evolution(space, seed=seed, population=10, tournament=3)


class TestTournament(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: Evolution(
            space, seed=seed, population=10, tournament=3, dies="worst"
        )


def loss(architecture: pdas.Architecture) -> float:
    return float(architecture.indices @ [1, 2, 0, 3])


def told(optimizer: Evolution, count: int) -> None:
    for _ in range(count):
        asked = optimizer.ask(1)
        optimizer.tell(asked, [loss(asked[0])])


def members(optimizer: Evolution) -> list[tuple[list[int], float]]:
    return [(each["indices"], each["loss"]) for each in optimizer.state_dict()["members"]]


def test_a_mutation_is_one_free_variable_and_another_category_uniformly() -> None:
    parent, rng = np.array([1, 2, 0, 3]), np.random.default_rng(0)
    mutate = OneVariable(SPACE)
    children = Counter(tuple(mutate(parent, rng).tolist()) for _ in range(9000))
    assert parent.tolist() == [1, 2, 0, 3]
    for child, count in children.items():
        (changed,) = np.flatnonzero(np.array(child) != parent)
        expected = 9000 / 3 / (SPACE.sizes[changed] - 1)  # of three free variables
        assert abs(count - expected) < 5 * math.sqrt(expected)
    assert len(children) == 3 + 2 + 4


def test_the_oldest_dies() -> None:
    optimizer = Evolution(SPACE, population=5, tournament=5)
    history = []
    for _ in range(20):
        asked = optimizer.ask(1)
        optimizer.tell(asked, [loss(asked[0])])
        history.append((asked[0].indices.tolist(), loss(asked[0])))
        assert members(optimizer) == history[-5:]


def test_the_best_of_a_tournament_of_all_is_the_parent() -> None:
    optimizer = Evolution(SPACE, population=6, tournament=6)
    told(optimizer, 6)
    best = min(members(optimizer), key=lambda member: member[1])[0]
    for child in optimizer.ask(20):
        assert np.sum(child.indices != best) == 1
        parent = optimizer.parent(child)
        assert parent is not None and parent.indices.tolist() == best


def test_the_worst_of_a_tournament_of_all_dies() -> None:
    optimizer = Evolution(SPACE, population=6, tournament=6, dies="worst")
    told(optimizer, 6)
    for _ in range(20):
        before = members(optimizer)
        asked = optimizer.ask(1)
        optimizer.tell(asked, [loss(asked[0])])
        before.remove(max(before, key=lambda member: member[1]))
        assert members(optimizer) == [*before, (asked[0].indices.tolist(), loss(asked[0]))]


def test_the_worst_of_the_childs_own_tournament_dies() -> None:
    """Its parent is the best of the same draw, so no parent dies for its child."""
    optimizer = Evolution(SPACE, population=8, tournament=2, dies="worst")
    told(optimizer, 8)
    for _ in range(30):
        before = members(optimizer)
        asked = optimizer.ask(1)
        (birth,) = optimizer.state_dict()["births"]
        optimizer.tell(asked, [loss(asked[0])])
        before.remove((birth["worst"]["indices"], birth["worst"]["loss"]))
        assert birth["worst"]["loss"] >= birth["parent"]["loss"]
        assert members(optimizer)[:-1] == before


def test_several_at_once_are_children_of_the_population_as_it_is() -> None:
    optimizer = Evolution(SPACE, population=4, tournament=4)
    told(optimizer, 4)
    before = members(optimizer)
    asked = optimizer.ask(10)
    assert members(optimizer) == before
    optimizer.tell(asked, [loss(a) for a in asked])
    assert len(members(optimizer)) == 4


def test_a_child_that_failed_has_its_place_and_no_children() -> None:
    optimizer = Evolution(SPACE, population=3, tournament=3)
    told(optimizer, 3)
    failed = optimizer.ask(2)
    optimizer.tell(failed, [math.nan, 100.0])
    assert [loss for _, loss in members(optimizer)][1:] == [None, 100.0]
    parents = {optimizer.parent(child) for child in optimizer.ask(30)}
    assert failed[0] not in parents and None not in parents


def test_a_child_that_was_not_asked_for_joins_the_population() -> None:
    optimizer = Evolution(SPACE, population=3, tournament=2)
    stranger = SPACE.architecture([3, 2, 0, 4])
    optimizer.tell([stranger], [0.5])
    assert optimizer.parent(stranger) is None
    assert members(optimizer) == [([3, 2, 0, 4], 0.5)]


def test_children_above_a_limit_are_forgotten_with_their_parents() -> None:
    space = pdas.SearchSpace({f"x{i}": range(4) for i in range(6)})
    evolution = Evolution(space, population=6, tournament=3)
    cost = pdas.cost.FunctionCost(space, lambda a: float(a.indices.sum()))
    within = Limited(evolution, Limit(cost, 4))
    for _ in range(30):
        children = within.ask(2)
        for child in children if evolution.measures()["population"] == 6 else ():
            assert evolution.parent(child) in evolution.parents()
        assert len(evolution.state_dict()["births"]) <= 2
        within.tell(children, [float(abs(child.indices.sum() - 4)) for child in children])
        assert not evolution.state_dict()["births"]
        assert len(evolution.parents()) <= 6
    assert within.rejected > 30


def test_it_beats_random_draws_on_a_smooth_space() -> None:
    """Of 40 seeds, at 60 evaluations of a space of 4,096."""
    space = pdas.SearchSpace({f"x{i}": range(4) for i in range(6)})
    gains = []
    for seed in range(40):
        optimizer = Evolution(space, seed=seed, population=10, tournament=3)
        rng = np.random.default_rng(1000 + seed)
        for _ in range(60):
            asked = optimizer.ask(1)
            optimizer.tell(asked, [float(asked[0].indices.sum())])
        drawn = min(int(space.uniform(rng).indices.sum()) for _ in range(60))
        gains.append(drawn - int(optimizer.best().indices.sum()))
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(40)


@pytest.mark.parametrize(
    "settings", [{"population": 0}, {"tournament": 0}, {"population": 3, "tournament": 4}]
)
def test_settings_out_of_range(settings: dict[str, int]) -> None:
    with pytest.raises(SettingError) as caught:
        Evolution(SPACE, **settings)
    assert "\n" not in str(caught.value)
