"""Search methods with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

from pdas.space import Architecture, SearchSpace
from pdas.testing import MethodCase, MethodTests
from tests.strangers.mixture import MixedNet, Mixture


class FindsAnotherSpace(Mixture):
    """test_it_finds_an_architecture_of_the_space"""

    def best(self) -> Architecture:
        return SearchSpace({"other": ["a", "b"]}).architecture([0])


class MeasuresAText(Mixture):
    """test_what_it_measures_are_numbers_in_the_progress"""

    def measures(self) -> Mapping[str, Any]:
        return {"confidence": "high"}


class RepeatsItsFinalists(Mixture):
    """test_finalists_are_different_and_the_best_is_first"""

    def finalists(self, n: int) -> list[Architecture]:
        return [self.best()] * n


class StartsAnywhere(Mixture):
    """test_the_same_seed_is_the_same_search"""

    def __init__(self) -> None:
        super().__init__()
        unseeded = torch.Generator()
        unseeded.seed()
        self._alpha.data = torch.randn(2, 3, generator=unseeded)


class ForgetsItsCoefficients(Mixture):
    """test_a_search_that_is_stopped_ends_as_if_it_had_not_been"""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is loaded."""


class TestBroken(MethodTests):
    @pytest.fixture(params=Mixture.__subclasses__(), ids=lambda kind: kind.__name__)
    def case(self, request: pytest.FixtureRequest) -> Callable[[], MethodCase]:
        def make() -> MethodCase:
            torch.manual_seed(0)
            x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
            data = TensorDataset(x, x[:, :1])
            return MethodCase(lambda net: request.param(), MixedNet(), _squared, data)

        return make


def _squared(model: Any, batch: Any) -> torch.Tensor:
    return (model(batch[0]) - batch[1]).square().mean()
