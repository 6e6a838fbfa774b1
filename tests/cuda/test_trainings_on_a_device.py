"""Search, retraining and evaluation of every supernet and task, in every precision."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.distributed.devices import open_fabric
from pdas.distributed.settings import DeviceSettings
from tests.cuda.tiny_trainings import TRAININGS, tiny

pytestmark = pytest.mark.cuda

ON_GPUS = ("cells in a mixture", "cells of a hypernetwork", "auto-encoders, pixels")
"""Those that the CPU, where other tests have them too, is spared."""

NAMES = [pytest.param(name, marks=[pytest.mark.long] * (name in ON_GPUS)) for name in TRAININGS]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_searched_retrained_and_evaluated(
    name: str, precision: str, device: str, tmp_path: Path
) -> None:
    experiment = tiny(name, device, f"device.precision={precision}")
    retrained = experiment.retrain(experiment.search(tmp_path / "run"))
    result = retrained.read_json("result.json")
    metric = "test_error" if "test_error" in result else "psnr"
    assert math.isfinite(result[metric])
    again = experiment.evaluate(retrained)  # from the files
    assert again[metric] == pytest.approx(result[metric], rel=1e-3)


class Own(nn.Module):
    """A network of a user, with a choice of layers and of a width."""

    def __init__(self) -> None:
        super().__init__()
        self.width = pdas.nn.Value("width", [4, 8])
        self.first = pdas.nn.Conv2d(1, self.width, 3, padding=1)
        kinds = {"relu": nn.ReLU(), "tanh": nn.Tanh()}
        self.kind = pdas.nn.Choice("kind", kinds)
        self.last = pdas.nn.Linear(self.width, 3)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.last(self.kind(self.first(x)).mean((2, 3)))
        return result


def test_a_network_of_ones_own_is_searched_and_retrained(precision: str, device: str) -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(32, 1, 6, 6), torch.arange(32) % 3
    data = torch.utils.data.TensorDataset(images, labels)
    fabric = open_fabric(DeviceSettings(accelerator=device, precision=precision))

    def loss(model: nn.Module, batch: list[Tensor]) -> Tensor:
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    net = pdas.nn.Supernet(Own())
    result = pdas.search(
        net, loss, data, steps=6, batch_size=8, preset="paper", fabric=fabric, progress=False
    )
    assert next(net.parameters()).device.type == device
    assert math.isfinite(result.history[-1].measures["loss"])
    network = net.derive(result.architecture)
    retrained = pdas.retrain(network, loss, data, epochs=1, batch_size=8, fabric=fabric)
    assert math.isfinite(retrained.history[-1].measures["loss"])
