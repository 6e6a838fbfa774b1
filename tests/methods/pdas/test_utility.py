from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdas_reference import utilities

from pdas.methods.pdas.utility import rank_utility

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.3, 0.1], [-1, 1]),
        ([-0.3, -0.1], [1, -1]),
        ([0.1, 0.1], [0, 0]),
        ([0.0, -0.0], [0, 0]),
        ([3, 1, 2], [-1, 1, 0]),
        ([4, 1, 3, 2], [-1, 1, 0, 0]),
        ([5, 1, 4, 2, 3], [-1, 1, -1, 1, 0]),
        ([1, 1, 2, 3], [0.5, 0.5, 0, -1]),
        ([1, 2, 2, 2], [1, -1 / 3, -1 / 3, -1 / 3]),
        ([7, 7, 7, 7], [0, 0, 0, 0]),
        ([NAN, 1e308], [-1, 1]),
        ([-INF, 0], [-1, 1]),
        ([NAN, 1, INF, 2], [-0.5, 1, -0.5, 0]),
        ([NAN, INF], [0, 0]),
    ],
)
def test_by_hand(losses: list[float], expected: list[float]) -> None:
    assert rank_utility(np.array(losses, dtype=float)).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("lam", range(2, 40))
def test_distinct_losses(lam: int) -> None:
    losses = np.random.default_rng(lam).permutation(lam).astype(float)
    utility = rank_utility(losses)[losses.argsort()]
    quarter = -(-lam // 4)
    assert (utility[:quarter] == 1).all() and (utility[lam - quarter :] == -1).all()
    assert (utility[quarter : lam - quarter] == 0).all()


@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, INF, NAN]), min_size=2, max_size=20))
def test_against_the_reference(losses: list[float]) -> None:
    utility = rank_utility(np.array(losses))
    assert utility.tolist() == pytest.approx(utilities(losses))
    assert utility.sum() == pytest.approx(0)


@given(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=12))
def test_only_ranks_count(losses: list[float]) -> None:
    values = np.array(losses)
    ranks = np.searchsorted(np.unique(values), values).astype(float)
    assert rank_utility(values).tolist() == rank_utility(ranks).tolist()
