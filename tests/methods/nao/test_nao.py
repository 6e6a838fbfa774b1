"""A model of the accuracy as an optimizer: pools, rounds, and what a limit passes over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pdas
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.nao.fit import Fitting
from pdas.methods.nao.model import Size
from pdas.methods.nao.optimizer import NAO
from pdas.methods.nao.sequence import Sequence
from pdas.space import SearchSpace
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import SettingError
from pdas.testing import OptimizerTests
from pdas.testing.optimizers import SPACE
from pdas.testing.refusal import refusal

SMALL = Size(embedding=4, hidden=8, predictor=8, layers=1)
SHORT = Fitting(epochs=1, batch_size=100)  # so that tests are fast; no fit is good
CELLS = cell_space(2, ("identity", "sep_conv_3x3", "max_pool_3x3"))


def small(space: SearchSpace = SPACE, seed: int = 0, **settings: Any) -> NAO:
    given = {"seeds": 12, "new": 6, "top": 6, "fitting": SHORT, "size": SMALL, **settings}
    return NAO(space, seed=seed, **given)


class TestNAO(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return small


@pytest.mark.long
class TestNAOThatReplaces(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: small(space, seed, replaces=True)


def test_new_ones_are_not_known() -> None:
    optimizer = small(CELLS)
    seeds = optimizer.ask(12)
    optimizer.tell(seeds, np.linspace(0, 1, 12))
    assert len(networks([*seeds, *optimizer.ask(6)])) == 18


def networks(architectures: list[pdas.Architecture]) -> set[Any]:
    """Of cells, read by name: a node is a set of edges, whichever of them is the first."""
    return {
        tuple(
            frozenset(
                {
                    (node, slot * (edges[0] == edges[1]), edges[slot])
                    for slot in (0, 1)
                    for edges in [[(a[f"{node}/in{i}"], str(a[f"{node}/op{i}"])) for i in (1, 2)]]
                }
            )
            for node in ("normal/node1", "normal/node2", "reduction/node1", "reduction/node2")
        )
        for a in architectures
    }


def test_what_is_told_of_a_swapped_one_is_told_of_the_pool() -> None:
    optimizer = small(CELLS)
    seeds = optimizer.ask(12)
    indices = np.array([each.indices for each in seeds])
    swapped = Sequence(CELLS).swapped(indices, np.random.default_rng(0))
    assert (swapped != indices).any()
    optimizer.tell(CELLS.architectures(swapped), np.linspace(0, 1, 12))
    assert len(networks([*seeds, *optimizer.ask(6)])) == 18
    assert optimizer.measures()["pairs"] > 0  # the pool was scored


def test_new_ones_replace_the_worst_and_all_are_scored_again() -> None:
    optimizer = small(replaces=True)
    seeds = optimizer.ask(12)
    assert set(optimizer.sample(300)) == set(seeds)
    optimizer.tell(seeds, np.linspace(0, 1, 12))
    pool = optimizer.ask(12)
    assert pool[:6] == seeds[:6] and not {*pool[6:]} & {*seeds}
    assert set(optimizer.sample(300)) == set(pool)
    assert optimizer.finalists(3) == seeds[:3]
    optimizer.tell(pool, np.linspace(5, 4, 12))
    assert optimizer.finalists(3) == pool[:-4:-1]  # the losses of before are out of date


def test_a_model_is_fitted_only_where_more_are_asked_for() -> None:
    for more in ("ask", "sample"):
        optimizer = small(replaces=True)
        optimizer.tell(optimizer.ask(12), np.linspace(0, 1, 12))
        assert optimizer.measures()["changed"] == 1
        getattr(optimizer, more)(1)
        assert optimizer.measures()["changed"] < 1


def test_a_space_without_further_architectures_is_not_learned_twice() -> None:
    space = SearchSpace({"a": range(2), "b": range(3)})
    optimizer = small(space, seeds=6)
    seeds = optimizer.ask(6)
    assert len(set(seeds)) == 6
    optimizer.tell(seeds, np.arange(6))
    optimizer.ask(1)
    before = optimizer.state_dict()["model"]
    optimizer.ask(3)
    assert optimizer.state_dict()["model"] == before


def test_it_learns_where_a_limit_passes_over_some_of_the_pool() -> None:
    class Cost:
        space = SPACE

        def __call__(self, architecture: pdas.Architecture) -> float:
            return float(architecture.indices[3])

    wrapped = small()
    optimizer = Limited(wrapped, Limit(Cost(), 3))
    for _ in range(30):
        asked = optimizer.ask(2)
        assert all(a.indices[3] <= 3 for a in asked)
        optimizer.tell(asked, [float(-a.indices[3]) for a in asked])
    assert wrapped.measures()["pairs"] > 0  # there was a fit
    assert optimizer.best()["depth"] == 3


@pytest.mark.parametrize("name", ["seeds", "new", "top"])
def test_settings_out_of_range(name: str) -> None:
    with refusal(SettingError):
        small(**{name: 0})
