"""The pages that add something do it in at most 60 lines, and what they add passes its tests."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Linear, Supernet, Value
from pdas.testing import CostTests, MethodCase, MethodTests, OptimizerTests, TaskCase, TaskTests
from pdas.testing import WeightOptimizerTests as OptimizersOfWeights

DOCS = Path(__file__).parents[1] / "docs"
MOST_LINES = 60


def code(page: str, number: int = 0) -> str:
    """A block of code of a page, of which the first adds something."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return str(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number])


def module(page: str) -> ModuleType:
    """What a page defines, as a module."""
    name = f"added_{page.replace('-', '_')}"
    if name not in sys.modules:
        made = sys.modules[name] = ModuleType(name)  # before it runs, since dataclasses look it up
        try:
            exec(compile(code(page), f"{page}.md", "exec"), made.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


PAGES = sorted(path.stem for path in DOCS.glob("adding-*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_adds_one_in_few_lines(page: str) -> None:
    lines = [line for line in code(page).splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES


def test_every_seam_has_a_page() -> None:
    assert {page.removeprefix("adding-").split("-", 1)[1] for page in PAGES} == {
        "architecture-family",
        "cost",
        "data-set",
        "method",
        "optimizer-of-weights",
        "task",
    }


def choices() -> Supernet:
    torch.manual_seed(0)
    width = Value("width", [2, 4, 8])
    activation = Choice("op", {"conv3": torch.nn.ReLU(), "conv5": torch.nn.Tanh()})
    return Supernet(torch.nn.Sequential(Linear(4, width), activation, Linear(width, 1)))


def data() -> TensorDataset:
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, x[:, :1])


def squared(model: Any, batch: Any) -> torch.Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def hill() -> Any:
    return module("adding-a-method")


class TestMethod(MethodTests):
    @pytest.fixture(params=["by itself", "by name"])
    def case(self, request: pytest.FixtureRequest) -> Any:
        module("adding-a-method")

        def method(net: Any) -> Any:
            if request.param == "by name":
                return {"name": "hill", "change": 0.5}
            return hill().HillClimber(net.space, change=0.5)

        return lambda: MethodCase(method, choices(), squared, data())


class TestOptimizer(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: module("adding-a-method").HillClimber(space, seed=seed)


@pytest.mark.parametrize("name", ["hill-ws", "hill-trials"])
def test_the_same_optimizer_learns_now_and_then_or_from_trials(name: str) -> None:
    exec(compile(code("adding-a-method", 1), "adding-a-method.md", "exec"), vars(hill()))
    told: list[pdas.Progress] = []
    method = {"name": name, **({"trials": 4} if name == "hill-trials" else {})}
    settings = pdas.SearchSettings(method=method, epochs=4, batch_size=10, finalists=2)
    result = pdas.search(choices(), squared, data(), settings=settings, on_step=told.append)
    assert isinstance(result.optimizer, hill().HillClimber)
    # Scored now and then: some steps have scores, others have none.
    assert {"theta_loss" in each.measures for each in told} == {True, False}


class TestTask(TaskTests):
    @pytest.fixture
    def case(self) -> TaskCase:
        return TaskCase(module("adding-a-task").CountingRecipe(name="mine"))


class TestCost(CostTests):
    @pytest.fixture
    def cost(self) -> Any:
        return module("adding-a-cost").Energy(choices().space)


class TestWeightOptimizer(OptimizersOfWeights):
    @pytest.fixture
    def settings(self) -> Any:
        return module("adding-an-optimizer-of-weights").RMSprop(learning_rate=0.01)


def test_an_optimizer_and_a_schedule_serve_a_search() -> None:
    module("adding-an-optimizer-of-weights")
    told: list[pdas.Progress] = []
    pdas.search(
        choices(),
        squared,
        data(),
        optimizer={"name": "rmsprop", "alpha": 0.9},
        settings=pdas.SearchSettings(epochs=None, steps=4, batch_size=10, schedule="linear"),
        on_step=told.append,
    )
    assert [each.learning_rate for each in told] == [0.001 * x for x in (1, 0.75, 0.5, 0.25)]


def test_two_costs_limit_a_search() -> None:
    net = choices()
    energy = module("adding-a-cost").Energy(net.space)
    limits = [pdas.Limit(energy, 2.0), pdas.Limit(net.cost("parameters"), 40)]
    result = pdas.search(net, squared, data(), limit=limits, preset="paper", steps=8, batch_size=10)
    assert all(limit.holds(result.architecture) for limit in limits)


@pytest.fixture(autouse=True, scope="module")
def _forgotten() -> Iterator[None]:
    """What the pages register, or register anew, is not there for other tests."""
    from pdas.methods.components import METHODS
    from pdas.tasks.base import TASKS
    from pdas.training.components import OPTIMIZERS, SCHEDULES

    registries: list[Any] = [METHODS, TASKS, OPTIMIZERS, SCHEDULES]
    for registry in registries:
        registry.names()  # all are there
    before = [dict(registry._found) for registry in registries]
    yield
    for registry, found in zip(registries, before, strict=True):
        registry._found.clear()
        registry._found.update(found)
