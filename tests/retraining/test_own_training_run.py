"""The run directory of a training of one's own, against the result in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas.report.reader import read_metrics
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.support.errors import RunError, SettingError

DATA = TensorDataset(torch.arange(120.0).reshape(40, 3) / 120)


def loss(model: Any, batch: tuple[torch.Tensor]) -> torch.Tensor:
    return (model(batch[0]) - 1).square().mean()


def train(network: nn.Module, out: Path, **settings: Any) -> pdas.RetrainingResult:
    settings = {"epochs": 3, "batch_size": 10, "seed": 4, **settings}
    return pdas.retrain(network, loss, DATA, DATA, out=out, **settings)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory for a training in that of a search."""
    (tmp_path / "config.yaml").write_text("recipe: {}")
    return tmp_path / "retrain-0"


def test_the_files_are_those_of_the_result_and_the_network(out: Path) -> None:
    network = nn.Linear(3, 1)
    result = train(network, out)
    run = Run.open(out)
    said = run.read_json("result.json")
    assert (said["params"], said["seed"], said["best_epoch"]) == (4, 4, result.best_epoch)
    assert said["validation_loss"] == result.best.measures["validation_loss"]
    assert read_metrics(run)["loss"].tolist() == [e.measures["loss"] for e in result.history]
    again = nn.Linear(3, 1)
    load_weights(again, run.path / "weights.safetensors")
    assert torch.equal(again.weight, network.weight)
    assert run.raw_config()["recipe"]["retrain"]["epochs"] == 3
    assert not run.has("progress.json")


def test_a_directory_that_is_taken_is_refused_and_the_network_is_not_trained(
    out: Path,
) -> None:
    train(nn.Linear(3, 1), out)
    network = nn.Linear(3, 1)
    before = network.weight.detach().clone()
    with pytest.raises(RunError, match=r"^out: .*already exists"):
        train(network, out)
    assert torch.equal(network.weight, before)


def test_with_checkpoints_it_continues_in_its_directory(out: Path, tmp_path: Path) -> None:
    kept: dict[str, Any] = {"checkpoints": tmp_path / "kept"}
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    train(network, out, on_step=lambda progress: progress.step == 5, **kept)
    result = train(network, out, **kept)
    said = Run(out).read_json("result.json")
    assert said["stopped"] == result.stopped


def test_an_error_before_the_first_epoch_leaves_nothing(out: Path) -> None:
    def fails(model: Any, batch: tuple[torch.Tensor]) -> torch.Tensor:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pdas.retrain(nn.Linear(3, 1), fails, DATA, batch_size=10, out=out)
    assert not (out).exists()


def test_a_directory_that_is_in_that_of_no_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^out: found .*mine, expected retrain-0"):
        train(nn.Linear(3, 1), tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
