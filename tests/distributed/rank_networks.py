"""What `rank_worker` runs with the shipped networks, and in other precisions and parts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas.distributed.compiling import compiled
from pdas.distributed.devices import Ddp
from pdas.distributed.ranks import Ranks
from pdas.distributed.settings import DeviceSettings
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.supernet import CellSupernet
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.classification.task import ClassifierTraining
from pdas.tasks.inpainting.task import RestorerTraining, restoration_loss
from pdas.training.large.synchronised import synchronised
from pdas.training.retrain import TrainingModule, retrain
from pdas.training.settings import TrainingSettings

paper_search = partial(pdas.search, preset="paper")

CELLS = {"nodes": 2, "cells_per_stage": 1, "channels": 4, "in_channels": 1, "classes": 2}
CHAINS = {"layers": 3, "kernels": (1, 3), "channels": (2, 4), "image_channels": 1}


def images() -> TensorDataset:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(32, 1, 8, 8, generator=generator)
    return TensorDataset(pixels, torch.arange(32) % 2)


def restored() -> TensorDataset:
    pixels = images().tensors[0]
    masked = pixels.clone()
    masked[:, :, 2:6, 2:6] = 0
    return TensorDataset(masked, pixels)


def class_loss(model: Any, batch: list[Tensor]) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


def _searched(net: nn.Module, loss: Any, data: Any, fabric: Fabric, **settings: Any) -> Any:
    result = paper_search(net, loss, data, steps=4, batch_size=8, fabric=fabric, **settings)
    return {"net": dict(net.named_parameters()), "optimizer": result.optimizer.state_dict()}


def cells_searched(fabric: Fabric, out: Path) -> Any:
    torch.manual_seed(0)
    return _searched(CellSupernet(**CELLS), class_loss, images(), fabric)


def hypernetwork_searched(fabric: Fabric, out: Path) -> Any:
    """Its weights at the end; those of rank 0 at the start are to be everyone's."""
    torch.manual_seed(fabric.global_rank)
    net = CellSupernet(**{**CELLS, "nodes": 1, "channels": 8})
    method = {"name": "smash", "random": 2, "changed": 0, "chain": 0}
    settings = {"method": method, "steps": 4, "batch_size": 8, "samples": 2}
    found = paper_search(net, class_loss, images(), fabric=fabric, **settings)
    return {"net": found.method.state_dict()["hypernetwork"], "best": found.architecture.to_dict()}


def chains_searched(fabric: Fabric, out: Path) -> Any:
    torch.manual_seed(0)
    return _searched(AutoencoderSupernet(**CHAINS), restoration_loss, restored(), fabric)


def chains_searched_in_parts(fabric: Fabric, out: Path) -> Any:
    torch.manual_seed(0)
    net = AutoencoderSupernet(**CHAINS)
    return _searched(net, restoration_loss, restored(), fabric, accumulate=4)


def chains_searched_in_16_bits(fabric: Fabric, out: Path) -> Any:
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0**10))
    several: Any = {"devices": fabric.world_size, "strategy": "auto"}
    if fabric.world_size > 1:
        several["strategy"] = Ddp()
    mixed = Fabric(accelerator="cpu", plugins=precision, **several)
    mixed.launch()
    torch.manual_seed(0)
    net = AutoencoderSupernet(**CHAINS)
    found = _searched(net, restoration_loss, restored(), mixed)
    return {**found, "scaler": precision.scaler.state_dict()}  # type: ignore[union-attr]


def _retrained(
    module: TrainingModule[Any],
    data: Any,
    settings: TrainingSettings,
    fabric: Fabric,
    synchronises: bool = False,
) -> Any:
    losses: list[float] = []
    retrain(
        module,
        DataLoader(data, 8, shuffle=True, generator=torch.Generator().manual_seed(2)),
        settings,
        fabric,
        on_step=lambda progress: losses.append(progress.measures["loss"]),
        synchronises=synchronises,
    )
    return {"net": dict(module.named_parameters()), "losses": losses}


def cells_retrained(fabric: Fabric, out: Path) -> Any:
    """One process normalises each half of a batch by itself, as two ranks do."""
    torch.manual_seed(0)
    size = CellSettings(**CELLS)
    architecture = pdas.PDAS(CellSupernet(**CELLS).space, seed=3).ask(1)[0]
    accumulate = 1 if fabric.world_size == 2 else 2
    settings = RetrainSettings(epochs=1, drop_path=0.0, accumulate=accumulate)
    module = ClassifierTraining(CellNetwork(architecture, size, auxiliary=True), settings)
    return _retrained(module, images(), settings, fabric)


def cells_retrained_as_one_batch(fabric: Fabric, out: Path) -> Any:
    """With synchronised batch norm, which on one process changes nothing."""
    torch.manual_seed(0)
    size = CellSettings(**CELLS)
    architecture = pdas.PDAS(CellSupernet(**CELLS).space, seed=3).ask(1)[0]
    settings = RetrainSettings(epochs=1, drop_path=0.0)
    module = ClassifierTraining(CellNetwork(architecture, size, auxiliary=True), settings)
    found = _retrained(module, images(), settings, fabric, synchronises=True)
    kinds = {type(each) for each in module.modules() if "BatchNorm" in type(each).__name__}
    found |= {"net": module.state_dict()}  # with the running statistics
    return found | {"kinds": [kind.__name__ for kind in kinds]}


class Norms(TrainingModule[nn.Sequential]):
    """A network with two batch norms, and the loss of a classifier."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(144, 2), nn.BatchNorm1d(2))
        super().__init__(nn.Sequential(*layers))

    def forward(self, batch: Any) -> dict[str, Tensor]:
        convolution, first, linear, second = self.network
        outputs = second(linear(first(convolution(batch[0])).relu().flatten(1)))
        return {"loss": F.cross_entropy(outputs, batch[1])}


def compiled_as_one_batch(fabric: Fabric, out: Path) -> Any:
    """With synchronised batch norm: as it is, and compiled by a backend that compiles nothing."""
    counter = CompileCounter()
    settings = TrainingSettings(epochs=1, optimizer={"learning_rate": 0.1})
    plain, module = Norms(), Norms()
    found = {"plain": _retrained(plain, images(), settings, fabric, synchronises=True)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", partial(torch.compile, backend=counter))
        with compiled(DeviceSettings(compile=True), module):
            found["compiled"] = _retrained(module, images(), settings, fabric, synchronises=True)
    found["plain"]["net"], found["compiled"]["net"] = plain.state_dict(), module.state_dict()
    return found | {"graphs": counter.frame_count}


def normalised(fabric: Fabric, out: Path) -> dict[str, Any]:
    """A synchronised norm by itself: forward, backward and statistics, in 32 and 16 bits."""
    generator = torch.Generator().manual_seed(5)
    x = 3 + 100 * torch.randn(8, 3, 2, 5, generator=generator)
    slope = torch.randn(8, 3, 2, 5, generator=generator)
    ranks = Ranks(fabric)
    found = {}
    for name, norm, dtype in (
        ("plain", nn.BatchNorm2d(3), torch.float32),
        ("cumulative", nn.BatchNorm2d(3, momentum=None), torch.float32),
        ("without weights", nn.BatchNorm2d(3, affine=False), torch.float32),
        ("without statistics", nn.BatchNorm2d(3, track_running_stats=False), torch.float32),
        ("16 bits", nn.BatchNorm2d(3), torch.bfloat16),
    ):
        own, own_slope = (ranks.part(each.clone().to(dtype)) for each in (x, slope))
        own = own.contiguous(memory_format=torch.channels_last).requires_grad_()
        with synchronised(norm, ranks):
            for _ in range(2):
                out_ = norm(own)
            (out_ * own_slope).sum().backward()
            evaluated = norm.eval()(own).detach()
        ranks.add_gradients(norm.parameters())
        gradients = {f"{key}.grad": p.grad for key, p in norm.named_parameters()}
        found[name] = {"out": out_, "evaluated": evaluated, "x.grad": own.grad}
        found[name] = {key: value.detach().float() for key, value in found[name].items()}
        found[name] |= gradients | {f"own {k}": v.float() for k, v in norm.state_dict().items()}
    return found


def chains_retrained(fabric: Fabric, out: Path) -> Any:
    torch.manual_seed(0)
    architecture = pdas.PDAS(AutoencoderSupernet(**CHAINS).space, seed=3).ask(1)[0]
    network = AutoencoderNetwork(architecture, 1, (8, 8))
    return _retrained(RestorerTraining(network), restored(), TrainingSettings(steps=6), fabric)


CASES = (
    cells_searched,
    hypernetwork_searched,
    chains_searched,
    chains_searched_in_parts,
    chains_searched_in_16_bits,
    cells_retrained,
    cells_retrained_as_one_batch,
    compiled_as_one_batch,
    normalised,
    chains_retrained,
)
