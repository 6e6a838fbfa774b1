"""The words in which `tell`, `ask` and `load_state_dict` refuse what does not fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pdas.methods.optimizer import checked_losses
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import SearchSpace
from pdas.support.errors import NonFiniteLossError, OptimizerError

SPACE = SearchSpace({"op": ("conv3", "conv5", "skip"), "depth": range(6)})
OTHER = SearchSpace({"op": ("conv3", "conv5", "skip"), "depth": range(7)})
A = SPACE.architecture([0, 0])


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([0.1], r"shape \(1,\) for 2 architectures, expected \(2,\)"),
        ([0.1, 0.2, 0.3], r"shape \(3,\) for 2 architectures"),
        ([[0.1], [0.2]], r"shape \(2, 1\)"),
        (0.1, r"shape \(\)"),
        (["a", "b"], "no plain numbers"),
        ([[0.1], [0.2, 0.3]], "no plain numbers"),
    ],
)
def test_losses_that_do_not_fit_are_named(losses: Any, message: str) -> None:
    with pytest.raises(OptimizerError, match=message):
        checked_losses(SPACE, [A, A], losses)


@pytest.mark.parametrize(
    ("architectures", "message"),
    [
        ([A, OTHER.architecture([0, 0])], "tell: found an architecture of another search space"),
        ([A, A.to_dict()], "tell: found .*, expected an architecture of this space"),
        ([A], r"found 1 architectures, expected at least 2.*; tell"),
    ],
)
def test_architectures_that_do_not_fit_are_named(architectures: Any, message: str) -> None:
    with pytest.raises(OptimizerError, match=message):
        checked_losses(SPACE, architectures, [0.1] * len(architectures), 2)


def test_losses_of_which_none_is_finite_are_named_with_the_step_and_the_architectures() -> None:
    optimizer = PDAS(SPACE)
    for _ in range(3):
        optimizer.tell(optimizer.ask(), [0.1, 0.2])
    with pytest.raises(NonFiniteLossError, match=r"step 4.*\[nan, inf\].*\[\[1, 4\], \[2, 5\]\]"):
        optimizer.tell(SPACE.architectures([[1, 4], [2, 5]]), np.array([math.nan, math.inf]))


def test_the_number_asked_for_is_named() -> None:
    with pytest.raises(OptimizerError, match="n = 0, expected an integer of at least 1"):
        PDAS(SPACE).ask(0)


def test_a_state_of_another_space_is_named() -> None:
    with pytest.raises(OptimizerError, match="another search space"):
        PDAS(SPACE).load_state_dict(PDAS(OTHER).state_dict())
