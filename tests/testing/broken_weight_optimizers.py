"""Optimizers of weights with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from pydantic import ConfigDict, Field
from torch import nn

from pdas.testing import WeightOptimizerTests as OptimizersOfWeights
from pdas.training.components import OPTIMIZERS, OptimizerSettings


class Plain(OptimizerSettings):
    """Settings without a defect."""

    name: str = "Plain"
    learning_rate: float = Field(0.05, gt=0)

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=self.learning_rate, momentum=0.9)


class IsRegisteredAsAnother(Plain):
    """test_it_is_found_by_name_and_keeps_its_settings"""

    name: str = "sgd"


class TakesAnySetting(Plain):
    """test_an_unknown_setting_is_refused"""

    model_config = ConfigDict(extra="allow")
    name: str = "TakesAnySetting"


class HasAnotherRate(Plain):
    """test_it_learns_and_has_its_learning_rate"""

    name: str = "HasAnotherRate"

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=2 * self.learning_rate, momentum=0.9)


class ForgetsItsMomentum(Plain):
    """test_it_continues_from_its_state"""

    name: str = "ForgetsItsMomentum"

    def make(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return Forgetful(parameters, lr=self.learning_rate, momentum=0.9)


class Forgetful(torch.optim.SGD):
    def load_state_dict(self, state_dict: Any) -> None:
        """Nothing is loaded."""


class TestBroken(OptimizersOfWeights):
    @pytest.fixture(params=Plain.__subclasses__(), ids=lambda kind: kind.__name__)
    def settings(self, request: pytest.FixtureRequest) -> OptimizerSettings:
        kind = request.param
        if kind is not IsRegisteredAsAnother:
            OPTIMIZERS.add(kind.__name__, kind)
        made: OptimizerSettings = kind()
        return made
