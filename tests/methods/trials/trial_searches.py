"""A small search of trials: a network, its data, and optimizers that are easy to follow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.optimizer import checked_count, checked_losses
from pdas.methods.trials.method import Trials
from pdas.methods.trials.schedule import TrialSchedule
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError

SPACE = pdas.SearchSpace({"width": [2, 3, 5, 8], "deep": [False, True], "drop": [0.0, 0.2, 0.4]})


class Net(nn.Module):
    """A supernet without shared weights, since none are trained."""

    space = SPACE

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return derive(architecture)(x)

    def derive(self, architecture: Architecture) -> nn.Module:
        return derive(architecture)


def derive(architecture: Architecture) -> nn.Module:
    """A network that draws: its weights, and its dropout."""
    width = int(str(architecture["width"]))
    layers = {"enter": nn.Linear(4, width), "tanh": nn.Tanh()}
    if architecture["deep"]:
        layers |= {"inner": nn.Linear(width, width), "relu": nn.ReLU()}
    rate = float(str(architecture["drop"]))
    layers |= {"drop": nn.Dropout(rate), "leave": nn.Linear(width, 3)}
    network = nn.Sequential()
    for name, layer in layers.items():
        network.add_module(name, layer)
    return network


def loss(model: Any, batch: Sequence[Tensor]) -> dict[str, Tensor]:
    x, y = batch
    logits = model(x)
    accuracy = (logits.argmax(1) == y).float().mean()
    return {"loss": F.cross_entropy(logits, y), "accuracy": accuracy}


class Noted:
    """A loss that leaves a line for every judged batch in a file, from whichever process."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, model: Any, batch: Sequence[Tensor]) -> dict[str, Tensor]:
        if not torch.is_grad_enabled():
            with self.file.open("a") as file:
                file.write(f"{model.enter.out_features}\n")
        return loss(model, batch)


class Ending:
    """A loss that ends every process but one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def __call__(self, model: Any, batch: Sequence[Tensor]) -> dict[str, Tensor]:
        if os.getpid() != self.pid:
            os._exit(1)
        return loss(model, batch)


def dividing_by_zero(model: Any, batch: Sequence[Any]) -> Any:
    return 1 / 0


def data(rows: int = 80) -> TensorDataset:
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, x[:, :3].argmax(1))


class Drawn:
    """Asks for uniform draws and remembers what it was told."""

    smallest_tell = 1

    def __init__(self, space: pdas.SearchSpace = SPACE, seed: int = 0) -> None:
        self.space = space
        self._rng = np.random.default_rng(seed)
        self.told: list[tuple[list[int], float]] = []

    def ask(self, n: int | None = None) -> list[Architecture]:
        return [self.space.uniform(self._rng) for _ in range(checked_count(n, 2))]

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        indices, values = checked_losses(self.space, architectures, losses, self.smallest_tell)
        if not np.isfinite(values).any():
            raise NonFiniteLossError("tell: found no finite loss, expected one")
        self.told += [*zip(indices.tolist(), values.tolist(), strict=True)]

    def best(self) -> Architecture:
        indices = (
            min(self.told, key=lambda each: each[1])[0] if self.told else [0] * len(self.space)
        )
        return self.space.architecture(indices)

    def measures(self) -> dict[str, float]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {"told": [list(each) for each in self.told], "random": self._rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.told = [(list(indices), loss) for indices, loss in state["told"]]
        self._rng.bit_generator.state = state["random"]


class Listed(Drawn):
    """Asks for architectures in a given order."""

    def __init__(self, *architectures: Sequence[int], space: pdas.SearchSpace = SPACE) -> None:
        super().__init__(space)
        self._order = [list(indices) for indices in architectures]
        self._asked = 0

    def ask(self, n: int | None = None) -> list[Architecture]:
        count = checked_count(n, 1)
        self._asked += count
        return [*map(self.space.architecture, self._order[self._asked - count : self._asked])]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "asked": self._asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._asked = state["asked"]


class Family(Listed):
    """Each architecture is the child of the one before it."""

    def parent(self, architecture: Architecture) -> Architecture | None:
        indices = architecture.indices.tolist()
        place = self._order.index(indices)
        return self.space.architecture(self._order[place - 1]) if place else None

    def parents(self) -> list[Architecture]:
        return [*map(self.space.architecture, self._order[max(self._asked - 1, 0) : self._asked])]


def searched(optimizer: Any, schedule: TrialSchedule, **options: Any) -> Any:
    """The result of a search of trials; the same every time."""
    given = {"net": Net(), "loss": loss, "data": data()} | options.pop("given", {})
    torch.manual_seed(0)
    return pdas.search(
        given["net"],
        given["loss"],
        given["data"],
        method=Trials(optimizer, None, schedule),
        preset="paper",
        batch_size=10,
        **{"epochs": 6, "samples": 3, "seed": 5} | options,
    )


def outcome(result: Any) -> Any:
    """What a search found and measured, without times."""
    rows = [(each.step, each.epoch, each.measures) for each in result.history]
    return result.architecture, rows, result.optimizer.told
