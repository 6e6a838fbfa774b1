"""The run directory of a search in a network of one's own, against the result in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Supernet, Value
from pdas.report.reader import read_metrics, read_theta
from pdas.runs.run import Run
from pdas.support.errors import RunError
from pdas.watching.snapshot import Phase, Watcher


class Net(nn.Module):
    """A gain and a sign; the loss is the distance to 6."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.gain = Value("gain", [1, 2, 3])
        self.sign = Choice("sign", {"minus": nn.Hardtanh(-2, -1), "plus": nn.Identity()})

    def forward(self, x: Tensor) -> Tensor:
        return self.sign(x * self.scale * self.gain.value)

    def reset_parameters(self) -> None:
        nn.init.ones_(self.scale)


def loss(model: Any, batch: tuple[Tensor]) -> Tensor:
    return (model(batch[0]) - 6).square().mean()


def search(out: Path | None, **settings: Any) -> pdas.SearchResult:
    data = TensorDataset(torch.ones(40))
    settings = {"steps": 20, "batch_size": 10, "preset": "paper", **settings}
    return pdas.search(Supernet(Net()), loss, data, out=out, **settings)


def test_the_files_are_those_of_the_result(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    result = search(out, finalists=2, seed=3)
    run = Run.open(out)
    assert not run.is_unfinished
    assert run.read_json("architecture.json") == result.architecture.to_dict()
    said = run.read_json("search.json")
    last = result.history[-1]
    assert (said["method"], said["seed"], said["steps"]) == ("pdas", 3, last.step)
    assert said["decided"] == last.measures["decided"]
    assert np.array_equal(read_theta(run).history.theta, result.theta_history.theta)  # type: ignore[union-attr]
    assert read_metrics(run)["loss"].tolist() == [e.measures["loss"] for e in result.history]
    assert len(run.read_json("finalists.json")["finalists"]) == len(result.finalists)
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["recipe"]["search"]["steps"] == 20 and config["own_network"] == "Net"
    assert config["environment"]["torch"] == torch.__version__
    modules = json.loads((out / "modules.json").read_text())
    assert modules["variables"] == {"gain": [1, 2, 3], "sign": ["minus", "plus"]}


def test_files_are_there_after_each_epoch(tmp_path: Path) -> None:
    seen = []

    def on_epoch(result: pdas.SearchResult) -> None:
        seen.append(len(read_metrics(Run(tmp_path / "mine"))["step"]) == len(result.history))

    search(tmp_path / "mine", on_epoch=on_epoch)
    assert seen and all(seen)


def test_it_can_be_watched_while_it_runs_and_afterwards(tmp_path: Path) -> None:
    out, seen = tmp_path / "mine", []
    watcher = Watcher(out)
    search(out, finalists=2, on_step=lambda progress: seen.append(watcher.snapshot()))
    assert {each.phase for each in seen} == {Phase.RUNS}
    assert {each.is_at_work for each in seen} == {True}
    assert seen[0].progress is not None and seen[0].progress.total == len(seen)
    after = watcher.snapshot()
    assert after.progress is None and after.theta is not None and after.is_at_work is False


def test_it_changes_nothing_of_the_search(tmp_path: Path) -> None:
    assert (
        search(tmp_path / "mine").history[-1].row().keys() == search(None).history[-1].row().keys()
    )
    with_files, without = search(tmp_path / "second"), search(None)
    assert np.array_equal(with_files.theta, without.theta)


@pytest.mark.parametrize("method", ["random", "darts-1"])
def test_other_methods_leave_a_run_too(tmp_path: Path, method: str) -> None:
    net = Supernet(nn.Sequential(nn.Linear(1, 1), Choice("c", {"a": nn.ReLU(), "b": nn.Tanh()})))
    data = TensorDataset(torch.ones(40, 1))
    pdas.search(net, loss, data, method=method, steps=4, batch_size=10, out=tmp_path / "mine")
    run = Run.open(tmp_path / "mine")
    assert run.read_json("search.json")["method"] == method and not run.is_unfinished


def test_a_method_of_ones_own_has_its_name(tmp_path: Path) -> None:
    space = Supernet(Net()).space
    search(tmp_path / "mine", method=pdas.PDAS(space, seed=0))
    config = Run(tmp_path / "mine").raw_config()
    assert config["recipe"]["search"]["method"] == "PDAS"
    assert Run(tmp_path / "mine").read_json("search.json")["method"] == "PDAS"


def test_a_directory_that_is_taken_is_refused_before_the_search(tmp_path: Path) -> None:
    search(tmp_path / "mine")
    before = (tmp_path / "mine" / "search.json").read_bytes()
    with pytest.raises(RunError, match=r"^out: .*already exists"):
        search(tmp_path / "mine")
    assert (tmp_path / "mine" / "search.json").read_bytes() == before


def test_with_checkpoints_it_continues_in_its_directory(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"checkpoints": tmp_path / "kept"}
    part = search(tmp_path / "mine", on_step=lambda progress: progress.step == 8, **arguments)
    assert part.stopped == "on_step"
    again = search(tmp_path / "mine", **arguments)
    assert Run(tmp_path / "mine").read_json("search.json")["steps"] == again.history[-1].step


def test_an_error_before_the_first_epoch_leaves_nothing(tmp_path: Path) -> None:
    def fails(model: Any, batch: tuple[Tensor]) -> Tensor:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pdas.search(
            Supernet(Net()), fails, TensorDataset(torch.ones(40)), batch_size=10, out=tmp_path / "m"
        )
    assert not (tmp_path / "m").exists()


def test_the_commands_of_recipes_say_what_to_use_instead(tmp_path: Path) -> None:
    search(tmp_path / "mine")
    with pytest.raises(RunError, match=r"'Net'.*pdas\.retrain"):
        pdas.stages.retrain(tmp_path / "mine")
    with pytest.raises(RunError, match=r"pdas\.retrain"):
        pdas.stages.evaluate(tmp_path / "mine")
