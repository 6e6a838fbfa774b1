"""Searches by nao and nao-ws: of an own network, of the recipes; stopped and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.nao import optimizer
from pdas.methods.nao.fit import fit
from pdas.nn import Choice, Supernet
from pdas.testing import MethodCase, MethodTests
from tests.conftest import changed
from tests.measured import measures
from tests.waiting import stop_at

SETTINGS: dict[str, dict[str, Any]] = {
    "nao": {"seeds": 3, "new": 2, "top": 2, "trials": 7, "fit_epochs": 1},
    "nao-ws": {"pool": 6, "batches": 1, "fit_epochs": 1},
}
SAMPLES = {"nao": 2, "nao-ws": 1}


def data() -> TensorDataset:
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long())


def loss(model: Any, batch: Any) -> dict[str, torch.Tensor]:
    logits = model(batch[0])
    right = (logits.detach().argmax(1) == batch[1]).float().mean()
    return {"loss": nn.functional.cross_entropy(logits, batch[1]), "accuracy": right}


def own_network() -> Supernet:
    torch.manual_seed(0)
    first, second = (
        Choice(name, {"relu": nn.ReLU(), "none": nn.Identity(), "tanh": nn.Tanh()})
        for name in ("first", "second")
    )
    return Supernet(nn.Sequential(nn.Linear(4, 8), first, nn.Linear(8, 8), second, nn.Linear(8, 2)))


class TestNaoMethods(MethodTests):
    @pytest.fixture(params=["nao", "nao-ws"])
    def case(self, request: Any) -> Any:
        name, samples = request.param, SAMPLES[request.param]

        def method(net: Any) -> Any:
            settings = METHODS[name](**SETTINGS[name])
            optimizer: Any = settings.build(MethodRequest(net.space, seed=0, samples=samples))
            return settings.driver(optimizer, optimizer)

        return lambda: MethodCase(method, own_network(), loss, data(), {"samples": samples})


@pytest.mark.parametrize("name", ["nao-ws"])
def test_a_recipe_is_stopped_and_continued_exactly(
    name: str, experiment: Experiment, tmp_path: Path
) -> None:
    settings = [f"search.method.{key}={value}" for key, value in SETTINGS[name].items()]
    short = changed(
        experiment,
        f"search.method={name}",
        *settings,
        "search.finalists=0",
        "search.finalists_share=0",
        "data.train_images=200",
        "search.epochs=2",
    )
    whole = short.search(tmp_path / "whole")
    with pytest.raises(BaseException, match="stopped after step"):
        short.search(tmp_path / "run", stop_at(3))
    again = short.search(tmp_path / "run", resume=True)
    assert again.read_json("architecture.json") == whole.read_json("architecture.json")
    assert measures(again) == measures(whole)


def test_the_pool_of_shared_weights_is_scored_five_times_and_fitted_four_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[int] = []

    def noted(model: Any, sequence: Any, rows: Any, *others: Any) -> Any:
        fitted.append(len(rows))
        return fit(model, sequence, rows, *others)

    monkeypatch.setattr(optimizer, "fit", noted)
    method = {"name": "nao-ws", **SETTINGS["nao-ws"]}
    result = pdas.search(
        own_network(),
        loss,
        data(),
        method=method,
        preset="paper",
        epochs=8,
        batch_size=10,
        finalists=0,
    )

    assert fitted == [6, 6, 6, 6]  # not after the last scoring
    scored = [each for each in result.history if "theta_loss" in each.measures]
    assert len(scored) == 5
    assert result.optimizer.finalists(1) == [result.architecture]


@pytest.mark.parametrize("name", ["nao", "nao-ws"])
def test_published_lengths_are_settings_of_the_method(name: str) -> None:
    published = METHODS[name].published
    own = {key.removeprefix("search.method."): value for key, value in published.items()}
    assert METHODS[name](**own).model_dump().items() >= own.items()
    recipe = recipes.load("digits", [f"search.method={name}"])
    assert recipe.search.finalists == 5
