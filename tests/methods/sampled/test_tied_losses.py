"""Losses tie where those of different networks are equal, as counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pdas
from pdas.methods.sampled.ties import Ties
from pdas.support.arrays import BoolArray

SPACE = pdas.SearchSpace({"op": ["a", "b", "c"], "width": [1, 2]})
A, B, C = (SPACE.architecture([i, 0]) for i in range(3))
A_WIDE = SPACE.architecture([0, 1])


def uses_op_alone(architecture: pdas.Architecture) -> BoolArray:
    return np.array([True, False])


@pytest.mark.parametrize(
    ("architectures", "losses", "expected"),
    [
        ([A, B], [0.5, 0.5], 1.0),
        ([A, B], [0.5, 0.6], 0.0),
        ([A, B], [1e6, 1e6 * (1 + 1e-8)], 1.0),  # to rounding
        ([A, B], [1e-9, 2e-9], 0.0),
        ([A, A], [0.5, 0.5], None),  # of the same network: nothing to be compared
        ([A, A, B], [0.5, 0.5, 0.6], 0.0),
        ([A, B, C], [0.5, 0.7, 0.5], 2 / 3),
        ([A, B, C], [0.5, 0.5, 0.5], 1.0),
        ([A, B, C], [0.5, math.inf, math.nan], None),
        ([A, B, C], [0.5, math.nan, 0.5], 1.0),
        ([A, A_WIDE], [0.5, 0.5], 1.0),
    ],
)
def test_the_share_of_losses_that_tie(
    architectures: list[pdas.Architecture], losses: list[float], expected: float | None
) -> None:
    ties = Ties()
    ties.add(architectures, losses)
    assert ties.share == expected


def test_what_is_not_in_use_makes_no_other_network() -> None:
    ties = Ties(uses_op_alone)
    ties.add([A, A_WIDE], [0.5, 0.5])
    assert ties.share is None
    ties.add([A_WIDE, B], [0.5, 0.5])
    assert ties.share == 1.0


def test_it_is_that_of_the_whole_search_and_continues() -> None:
    ties = Ties()
    ties.add([A, B], [0.5, 0.5])
    again = Ties()
    again.load_state_dict(ties.state_dict())
    again.add([A, B, C], [0.5, 0.6, 0.7])
    assert again.share == 2 / 5
