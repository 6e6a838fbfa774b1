"""The conformance tests of methods, tasks, costs and optimizers of weights, on shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import pdas
from pdas import recipes
from pdas.cost import FunctionCost, ProductCost
from pdas.methods.sampled.method import Sampled
from pdas.nn import Linear, Supernet, Value
from pdas.testing import CostTests, MethodCase, MethodTests, TaskCase, TaskTests
from pdas.testing import WeightOptimizerTests as OptimizersOfWeights
from pdas.training.optimizers.adamw import AdamW
from pdas.training.optimizers.sgd import Sgd
from tests.conftest import TINY, TINY_INPAINTING
from tests.strangers.counting import CountingRecipe
from tests.strangers.evolution import RegularisedEvolution
from tests.strangers.mixture import MixedNet, Mixture

SPACE = pdas.SearchSpace({"op": ["conv3", "conv5"], "width": [4, 8, 16]})


def data() -> TensorDataset:
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, x[:, :1])


def squared(model: Any, batch: Any) -> torch.Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def of_choices(method: Callable[[Any], Any]) -> MethodCase:
    torch.manual_seed(0)
    width = Value("width", [2, 4, 8])
    net = Supernet(torch.nn.Sequential(Linear(4, width), torch.nn.ReLU(), Linear(width, 1)))
    return MethodCase(method, net, squared, data())


def of_mixture() -> MethodCase:
    torch.manual_seed(0)
    return MethodCase(lambda net: Mixture(), MixedNet(), squared, data())


class TestMethods(MethodTests):
    @pytest.fixture(params=["pdas", "evolution", "mixture"])
    def case(self, request: pytest.FixtureRequest) -> Callable[[], MethodCase]:
        return {
            "pdas": lambda: of_choices(lambda net: Sampled(pdas.PDAS(net.space, seed=0))),
            "evolution": lambda: of_choices(
                lambda net: Sampled(RegularisedEvolution(net.space, population=4, sample=2))
            ),
            "mixture": of_mixture,
        }[request.param]


class TestTasks(TaskTests):
    @pytest.fixture(params=["digits", "inpaint-photos", "counting"])
    def case(self, request: pytest.FixtureRequest) -> TaskCase:
        if request.param == "counting":
            return TaskCase(CountingRecipe(name="counting"))
        tiny = TINY if request.param == "digits" else TINY_INPAINTING
        return TaskCase(recipes.load(request.param, tiny))


class TestCosts(CostTests):
    @pytest.fixture(params=["table", "function"])
    def cost(self, request: pytest.FixtureRequest) -> Any:
        if request.param == "table":
            return ProductCost.from_table(SPACE, {"width": {4: 1.0, 8: 2.0, 16: 4.0}}, 1.0)
        return FunctionCost(SPACE, lambda a: float(a["width"]) ** 2)


class TestWeightOptimizers(OptimizersOfWeights):
    @pytest.fixture(params=[Sgd(learning_rate=0.05), AdamW(learning_rate=0.05)], ids=str)
    def settings(self, request: pytest.FixtureRequest) -> Any:
        return request.param
