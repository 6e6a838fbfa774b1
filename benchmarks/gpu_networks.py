"""The steps that `benchmarks/gpu.py` measures: of a search and of a retraining, for both families.

Each has two forms. `call` launches all of a step and reads nothing, so that the time of the host
and that of the device can be told apart. `steps_per_second` is of the real loops, `pdas.search`
and `retrain`, on batches that are on the device already.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from gpu_measures import DTYPES, PRECISIONS
from retraining_step import training
from torch import Tensor, nn

import pdas
from pdas import recipes
from pdas.distributed.devices import open_fabric
from pdas.distributed.settings import DeviceSettings
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.training.retrain import TrainingModule, retrain
from pdas.training.settings import TrainingSettings

LAYOUTS = {"first": torch.contiguous_format, "last": torch.channels_last}
PAIRS = 6  # of architectures, drawn uniformly as at the start of a search, in turns
RATE = 1e-4  # of learning: random labels do no harm to the weights
SCALE = 1024.0  # of the loss in fp16, where `call` has no scaler, which would read a number
_TINY_CELLS = ("network.nodes=2", "network.channels=4", "network.cells_per_stage=1")
_TINY_RETRAINING = ("retrain.weight_limit=20000", "retrain.cells_per_stage=1")
Batch = tuple[Tensor, Tensor]
Loss = Callable[[Any, Batch], Tensor]


class Workload(NamedTuple):
    """A step of a network on a device."""

    call: Callable[[], object]
    steps_per_second: Callable[[float], float]
    module: nn.Module


class Way(NamedTuple):
    """How it is computed."""

    device: torch.device
    layout: str
    precision: str
    quick: bool

    def settings(self) -> DeviceSettings:
        """Those of devices."""
        accelerator: Any = self.device.type
        return DeviceSettings(accelerator=accelerator, precision=PRECISIONS[self.precision][0])

    def autocast(self) -> torch.autocast:
        """As Fabric's; off in fp32."""
        dtype = DTYPES[self.precision]
        mixed = dtype != torch.float32
        return torch.autocast(self.device.type, dtype=dtype if mixed else None, enabled=mixed)


class Same:
    """The same batch again and again, on the device; a loader."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return 1_000_000

    def __iter__(self) -> Iterator[Batch]:
        return itertools.repeat(self._batch, len(self))


def search_of_cells(way: Way) -> Workload:
    """The paper's cells: 16 channels, 64 images of 32x32, lambda 2."""
    sizes = {"nodes": 2, "channels": 4, "cells_per_stage": 1} if way.quick else {"channels": 16}
    size = 8 if way.quick else 64
    batch = torch.randn(size, 3, 32, 32), torch.arange(size) % 10
    return _search(CellSupernet(**sizes), batch, F.cross_entropy, way)


def search_of_autoencoders(way: Way) -> Workload:
    """The paper's auto-encoders: 20 layers, 16 images of 64x64, lambda 2."""
    sizes: dict[str, Any] = {"layers": 3, "channels": (4, 8)} if way.quick else {}
    images = torch.rand(2 if way.quick else 16, 3, 64, 64)
    return _search(AutoencoderSupernet(**sizes), (images, images), F.mse_loss, way)


def retraining_of_cells(way: Way) -> Workload:
    """A network of the recipe `cifar10`: 3.0 million weights, 80 images of 32x32."""
    tiny = (*_TINY_CELLS, *_TINY_RETRAINING, "retrain.batch_size=8")
    recipe: Any = recipes.load("cifar10", tiny if way.quick else ())
    size = recipe.retrain.batch_size
    batch = torch.randn(size, 3, 32, 32), torch.arange(size) % 10
    return _retraining(training(recipe, "auto"), batch, recipe.retrain, way)


class Restoring(TrainingModule[nn.Module]):
    """An auto-encoder in training."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": F.mse_loss(self.network(batch[0]), batch[1])}


def retraining_of_autoencoders(way: Way) -> Workload:
    """A network of the paper's space of auto-encoders, 16 images of 64x64."""
    sizes: dict[str, Any] = {"layers": 3, "channels": (4, 8)} if way.quick else {}
    supernet = AutoencoderSupernet(**sizes)
    network = supernet.derive(supernet.space.uniform(np.random.default_rng(0)), (64, 64))
    images = torch.rand(2 if way.quick else 16, 3, 64, 64)
    settings = recipes.load("inpaint-photos").retrain
    return _retraining(Restoring(network), (images, images), settings, way)


WORKLOADS: dict[str, Callable[[Way], Workload]] = {
    "search, cells": search_of_cells,
    "retraining, cells": retraining_of_cells,
    "search, auto-encoders": search_of_autoencoders,
    "retraining, auto-encoders": retraining_of_autoencoders,
}


def _search(net: Any, batch: Batch, criterion: Callable[..., Tensor], way: Way) -> Workload:
    net.to(way.device).use_format(LAYOUTS[way.layout])
    batch = _on_device(batch, way)
    rng = np.random.default_rng(1)
    pairs = itertools.cycle([[net.space.uniform(rng) for _ in range(2)] for _ in range(PAIRS)])
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)

    def losses(pair: Any) -> Tensor:
        with way.autocast():
            outputs = net.forward_many(batch[0], pair)
            return torch.stack([criterion(out, batch[1]) for out in outputs])

    def call() -> Tensor:
        pair = next(pairs)
        _update(lambda: losses(pair).mean(), net, optimizer, way)
        with torch.no_grad():
            return losses(pair)

    def loss(model: Any, data: Batch) -> Tensor:
        return criterion(model(data[0]), data[1])

    def rate(seconds: float) -> float:
        clock = _Clock(seconds)
        fabric, loaders = open_fabric(way.settings()), (Same(batch), Same(batch))
        pdas.search(
            net, loss, loaders, preset="paper", steps=100_000, fabric=fabric, progress=False,
            on_step=clock,
            optimizer={"name": "sgd", "learning_rate": RATE},
        )  # fmt: skip
        return clock.rate

    return Workload(call, rate, net)


def _retraining(module: Any, batch: Batch, settings: TrainingSettings, way: Way) -> Workload:
    module.to(way.device).train()
    module.before_epoch(0.5)
    module.network.use_format(LAYOUTS[way.layout])
    batch = _on_device(batch, way)
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE, momentum=0.9)

    def loss() -> Tensor:
        with way.autocast():
            result: Tensor = module(batch)["loss"]
            return result

    def rate(seconds: float) -> float:
        clock = _Clock(seconds)
        changes = {"epochs": 2, "steps": None, "optimizer": {"name": "sgd", "learning_rate": RATE}}
        retrain(
            module,
            Same(batch),
            type(settings).model_validate(settings.model_dump() | changes),
            open_fabric(way.settings()),
            on_step=clock,
        )
        return clock.rate

    return Workload(lambda: _update(loss, module, optimizer, way), rate, module)


def _update(loss: Callable[[], Tensor], net: nn.Module, optimizer: Any, way: Way) -> None:
    optimizer.zero_grad(set_to_none=True)
    (loss() * (SCALE if way.precision == "fp16" else 1.0)).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)  # reads nothing
    optimizer.step()


def _on_device(batch: Batch, way: Way) -> Batch:
    images, labels = (tensor.to(way.device) for tensor in batch)
    return images.contiguous(memory_format=LAYOUTS[way.layout]), labels


class _Clock:
    """Times the steps of a loop, as its `on_step`, and ends it after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: list[float] = []

    def __call__(self, progress: object) -> bool:
        self._times.append(time.perf_counter())
        warm = len(self._times) > 5
        return warm and self._times[-1] - self._times[4] >= self._seconds

    @property
    def rate(self) -> float:
        """Steps per second, by the median; the first five warm up."""
        times = self._times[4:]
        return 1 / statistics.median(b - a for a, b in itertools.pairwise(times))
