"""Costs with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

import itertools

import pytest

from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.testing import CostTests

SPACE = SearchSpace({"op": ["conv3", "conv5"], "width": [4, 8, 16]})


class Width:
    """A cost without a defect."""

    space = SPACE

    def __call__(self, architecture: Architecture) -> float:
        check_architecture("cost", architecture, self.space)
        return float(architecture["width"])


class IsSometimesInfinite(Width):
    """test_it_is_a_finite_number_the_same_every_time"""

    def __call__(self, architecture: Architecture) -> float:
        value = super().__call__(architecture)
        return float("inf") if value == 16 else value


class TakesAnySpace(Width):
    """test_an_architecture_of_another_space_is_refused"""

    def __call__(self, architecture: Architecture) -> float:
        return super().__call__(architecture) if architecture.space == self.space else 0.0


class IsAlwaysTheSame(Width):
    """test_a_limit_holds"""

    def __call__(self, architecture: Architecture) -> float:
        return 0 * super().__call__(architecture) + 1.0


class Drifts(Width):
    """test_a_penalty_grows_with_it"""

    def __init__(self) -> None:
        self._calls = itertools.count(1)

    def __call__(self, architecture: Architecture) -> float:
        return super().__call__(architecture) * 0.8 ** next(self._calls)


class TestBroken(CostTests):
    @pytest.fixture(params=Width.__subclasses__(), ids=lambda kind: kind.__name__)
    def cost(self, request: pytest.FixtureRequest) -> Width:
        made: Width = request.param()
        return made
