"""A model of the accuracy, and the ascent along its gradient."""

from __future__ import annotations

import numpy as np

import pdas
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.nao.model import Size
from pdas.methods.nao.optimizer import NAO
from pdas.testing.optimizers import SPACE

SMALL = Size(embedding=8, hidden=16, predictor=16)


def small(replaces: bool = False) -> NAO:
    return NAO(SPACE, seeds=12, new=6, top=6, fit_epochs=2, replaces=replaces, size=SMALL)


def test_new_ones_are_not_known() -> None:
    optimizer = small()
    seeds = optimizer.ask(12)
    optimizer.tell(seeds, np.linspace(0, 1, 12))
    assert len({*seeds, *optimizer.ask(6)}) == 18


def test_new_ones_replace_the_worst_and_all_are_scored_again() -> None:
    optimizer = small(replaces=True)
    seeds = optimizer.ask(12)
    optimizer.tell(seeds, np.linspace(0, 1, 12))
    pool = optimizer.ask(12)
    assert pool[:6] == seeds[:6] and not {*pool[6:]} & {*seeds}
    assert set(optimizer.sample(300)) == set(pool)


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
