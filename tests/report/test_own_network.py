"""The report of a search in a network of one's own draws its modules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Linear, Supernet, Value

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    out: Path = tmp_path_factory.mktemp("runs") / "mine"
    width = Value("width", [2, 8])
    act = Choice("act", {HOSTILE: nn.ReLU(), "tanh": nn.Tanh()})
    net = Supernet(nn.Sequential(Linear(3, width), act, Linear(width, 1)))

    def loss(model: nn.Module, batch: tuple[torch.Tensor]) -> torch.Tensor:
        return model(batch[0]).square().mean()

    data = TensorDataset(torch.ones(40, 3))
    pdas.search(net, loss, data, out=out, steps=4, batch_size=10, preset="paper")
    (out / "last_look.json").unlink()  # which says that four steps have learned nothing
    return out


def test_the_modules_are_drawn_with_what_was_chosen(finished: Path) -> None:
    page = pdas.stages.report(finished).read_text()
    chosen = json.loads((finished / "architecture.json").read_text())["width"]
    assert f"Linear, out_features = width = {chosen}" in page
    assert "The modules of Sequential" in page  # for a screen reader
    assert "pdas.retrain(net.derive(result.architecture), ...)" in page
    assert HOSTILE not in page
    assert "out_features" in (finished / "architecture.svg").read_text()


def test_an_unfinished_search_shows_the_network(finished: Path) -> None:
    file = finished / "architecture.json"
    text = file.read_text()
    file.unlink()
    page = pdas.stages.report(finished).read_text()
    file.write_text(text)
    assert "nothing is chosen yet" in page and "out_features = width<" in page


def test_damage_is_said_and_the_rest_is_shown(finished: Path) -> None:
    file = finished / "modules.json"
    text = file.read_text()
    file.write_text('{"variables": {}, "network": {"variable": "x"}}')
    page = pdas.stages.report(finished).read_text()
    file.write_text(text)
    assert "modules.json" in page and "none of its variables" in page and "What theta says" in page


def test_a_training_of_ones_own_is_in_the_report_of_its_search(finished: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 1))
    data = TensorDataset(torch.ones(40, 3))

    def loss(model: nn.Module, batch: tuple[torch.Tensor]) -> torch.Tensor:
        return model(batch[0]).square().mean()

    out = finished / "retrain-0"
    result = pdas.retrain(network, loss, data, data, epochs=2, batch_size=10, out=out)
    page = pdas.stages.report(finished).read_text()
    validated = f"{result.best.measures['validation_loss']:.4g}"
    assert f"Trained anew, the validation loss of the network is {validated}." in page
    assert "Course of retrain-0" in page and "retrain-0/weights.safetensors" in page
    assert "better than random" not in page and "pdas export" not in page
