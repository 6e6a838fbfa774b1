"""A training with a compiled module, by backends that compile nothing and take no time."""

from __future__ import annotations

import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from pdas.distributed.compiling import compiled
from pdas.distributed.settings import DeviceSettings
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import cell_space
from pdas.support.errors import PdasWarning
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.classification.task import ClassifierTraining

# torch ignores this one of its own, which the tests make an error.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

COMPILED = DeviceSettings(compile=True)


def training() -> ClassifierTraining:
    torch.manual_seed(0)
    settings = CellSettings(nodes=1, cells_per_stage=1, channels=2, in_channels=1, classes=3)
    space = cell_space(1, settings.operations)
    architecture = space.architecture([0] * len(space))
    network = CellNetwork(architecture, settings, auxiliary=True)
    return ClassifierTraining(network, RetrainSettings(drop_path=0.4)).train()


def backend(monkeypatch: pytest.MonkeyPatch, used: object) -> None:
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=used))


def losses(module: ClassifierTraining, epochs: int) -> list[float]:
    torch.manual_seed(1)
    batch = torch.rand(6, 1, 8, 8), torch.arange(6) % 3
    found = []
    for epoch in range(epochs):
        module.before_epoch(epoch / 10)
        module.zero_grad()
        loss = torch.as_tensor(module(batch)["loss"])
        loss.backward()
        found.append(loss.item())
    return found


def test_a_compiled_training_computes_the_same_and_is_not_compiled_for_every_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counter = CompileCounter()
    backend(monkeypatch, counter)
    module = training()
    counts = []
    with compiled(COMPILED, module):
        for epochs in (2, 10):
            found = losses(module, epochs)
            counts.append(counter.frame_count)
    assert found == losses(training(), 10)
    assert counts[0] > 0
    assert counts[1] == counts[0]


def test_it_is_compiled_only_within_and_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = CompileCounter()
    backend(monkeypatch, counter)
    module = training()
    with compiled(DeviceSettings(), module):
        losses(module, 1)
    with compiled(COMPILED, module):
        pass
    losses(module, 1)
    assert counter.frame_count == 0
    assert "forward" not in vars(module)


def test_names_of_weights_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    backend(monkeypatch, "eager")
    module = training()
    before = list(module.state_dict())
    with compiled(COMPILED, module):
        losses(module, 1)
        assert list(module.state_dict()) == before


def test_what_cannot_be_compiled_runs_as_it_is_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_compiler(graph: nn.Module, inputs: object) -> None:
        raise RuntimeError("No working C++ compiler found")

    backend(monkeypatch, no_compiler)
    module = training()
    with compiled(COMPILED, module), warnings.catch_warnings(record=True) as lines:
        warnings.simplefilter("always")
        found = losses(module, 3)
    (line,) = (str(each.message) for each in lines if each.category is PdasWarning)
    assert line.startswith("device.compile: torch cannot compile ClassifierTraining here (")
    assert "No working C++ compiler found" in line
    assert line.endswith("); it runs uncompiled")
    assert found == losses(training(), 3)


def test_a_python_that_torch_cannot_compile_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: object) -> None:
        raise RuntimeError("torch.compile is not supported on Python 9")

    monkeypatch.setattr(torch, "compile", refuse)
    module = training()
    with pytest.warns(PdasWarning, match="not supported on Python 9"), compiled(COMPILED, module):
        found = losses(module, 2)
    assert found == losses(training(), 2)
