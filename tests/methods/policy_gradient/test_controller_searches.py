"""Controllers in searches: of cells, of trials, of a recipe; stopped and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas import recipes
from pdas.cost import ProductCost, Term
from pdas.experiment.experiment import Experiment
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.policy_gradient.enas_policy import EnasPolicy
from pdas.nn import Choice, Supernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.settings import flat
from pdas.testing import MethodCase, MethodTests
from pdas.testing.optimizers import SPACE
from tests.conftest import changed
from tests.measured import measures
from tests.waiting import stop_at

CONTROLLERS = ["enas", "enas-plain", "nas", "nasnet"]


def loss(model: Any, batch: Any) -> dict[str, torch.Tensor]:
    logits = model(batch[0])
    right = (logits.detach().argmax(1) == batch[1]).float().mean()
    return {"loss": nn.functional.cross_entropy(logits, batch[1]), "accuracy": right}


def images() -> TensorDataset:
    x = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x.mean((1, 2, 3)) > 0).long())


def cells() -> CellSupernet:
    torch.manual_seed(0)
    return CellSupernet(nodes=2, cells_per_stage=1, channels=2, in_channels=1, classes=2)


def vectors() -> TensorDataset:
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long())


def own_network() -> Supernet:
    torch.manual_seed(0)
    activations = {"relu": nn.ReLU(), "none": nn.Identity(), "tanh": nn.Tanh()}
    return Supernet(nn.Sequential(nn.Linear(4, 8), Choice("act", activations), nn.Linear(8, 2)))


def driver(net: Any, name: str, samples: int, **settings: Any) -> Any:
    chosen = METHODS[name](**settings)
    optimizer = chosen.build(MethodRequest(net.space, seed=0, samples=samples))
    return chosen.driver(optimizer, optimizer)


@pytest.mark.long
class TestEnasOnCells(MethodTests):
    @pytest.fixture
    def case(self) -> Any:
        def make() -> MethodCase:
            method = lambda net: driver(net, "enas", 1, updates=1)  # noqa: E731
            return MethodCase(method, cells(), loss, images(), {"samples": 1})

        return make


class TestTrials(MethodTests):
    @pytest.fixture(params=["nas", "nasnet"])
    def case(self, request: Any) -> Any:
        def make() -> MethodCase:
            method = lambda net: driver(net, request.param, 2, trials=6)  # noqa: E731
            return MethodCase(method, own_network(), loss, vectors(), {"samples": 2})

        return make


def test_a_recipe_is_stopped_and_continued_exactly(experiment: Experiment, tmp_path: Path) -> None:
    short = changed(
        experiment,
        "search.method=enas",
        "search.method.updates=1",
        "search.finalists=2",
        "data.train_images=200",
        "search.epochs=2",
    )
    whole = short.search(tmp_path / "whole")
    with pytest.raises(BaseException, match="stopped after step 2"):
        short.search(tmp_path / "run", stop_at(2))
    again = short.search(tmp_path / "run", resume=True)
    assert again.read_json("architecture.json") == whole.read_json("architecture.json")
    assert measures(again) == measures(whole)


def test_what_favours_separable_convolutions_knows_those_of_the_cells() -> None:
    net = cells()
    policy = EnasPolicy(net.space)
    labels = net.space["normal/node1/op1"]
    favoured = {str(label) for label, b in zip(labels, policy.bias.tolist(), strict=True) if b}
    assert favoured == {"sep_conv_3x3", "sep_conv_5x5"}


def size() -> ProductCost:
    """The sum of the indices."""
    return ProductCost(SPACE, [Term(1.0, {i: np.arange(K)}) for i, K in enumerate(SPACE.sizes)])


def within(name: str) -> Penalised:
    optimizer: Any = METHODS[name]().build(MethodRequest(SPACE, seed=0, samples=2))
    return Penalised(Limited(optimizer, Limit(size(), 6.0)), Penalty(size(), 5.0, 0.1))


@pytest.mark.parametrize("name", CONTROLLERS)
def test_it_continues_exactly_within_a_limit_and_with_a_penalty(name: str) -> None:
    one, other = within(name), within(name)
    told(one, 13)
    other.load_state_dict(one.state_dict())
    assert told(one, 15) == told(other, 15)
    assert one.state_dict() == other.state_dict()
    assert size()(one.best()) <= 6


def told(optimizer: Any, times: int) -> list[pdas.Architecture]:
    """What is asked for, and told; it is within the limit."""
    every: list[pdas.Architecture] = []
    for _ in range(times):
        asked = optimizer.ask(2)
        assert all(size()(a) <= 6 for a in asked)
        optimizer.tell(asked, [float(a.indices[0]) / 3 for a in asked])
        every += asked
    return every


def test_published_lengths_are_settings_of_the_method() -> None:
    for name in CONTROLLERS:
        published = METHODS[name].published
        changes = [f"search.method={name}", *recipes.as_changes(published)]
        search = flat({"search": recipes.load("digits", changes).search.model_dump()})
        assert {key: search[key] for key in published} == published
    schedule = driver(own_network(), "enas", 1, updates=30).schedule
    assert schedule.scored(period=400) == schedule.scored(period=7) == 300
