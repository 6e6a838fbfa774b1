"""The two sides of a step of the search, ours and a plain one, for each task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from padded import PaddedAutoencoder, to_padded
from padded import load_from as load_padded
from plain import PlainNetwork, load_from, to_plain
from torch import Tensor, nn

from pdas.kernels.choice import Setting, choose_kernels
from pdas.methods.pdas.optimizer import PDAS
from pdas.space import Architecture
from pdas.spaces.autoencoders.settings import ChainSettings
from pdas.spaces.autoencoders.space import autoencoder_space
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.cells.space import cell_space
from pdas.spaces.cells.supernet import CellSupernet

PHASES = ("forward", "backward", "weight update", "theta forward", "theta update")
NAMES = ("plain", "ours")
LAMBDA = 2
Pair = list[Architecture]
Batch = tuple[Tensor, Tensor]
Criterion = Callable[[Tensor, Tensor], Tensor]


class Side:
    """One implementation of the step, with its own weights and its own distribution."""

    def __init__(
        self, net: nn.Module, space: Any, criterion: Criterion, weight_decay: float = 0.0
    ) -> None:
        self.net = net
        self.criterion = criterion
        self.theta = PDAS(space, seed=0)
        self.parameters = list(net.parameters())  # as in the training: to look for them takes time
        self.sgd = torch.optim.SGD(
            self.parameters, lr=0.025, momentum=0.9, weight_decay=weight_decay
        )

    def step(self, pair: Pair, weight_batch: Batch, theta_batch: Batch) -> dict[str, float]:
        """Run the step; seconds of each phase."""
        clock = Clock()
        self.sgd.zero_grad(set_to_none=True)
        self.gradient(pair, weight_batch, clock)
        nn.utils.clip_grad_norm_(self.parameters, 5)
        self.sgd.step()
        clock("weight update")
        with torch.no_grad():
            losses = [float(loss) for loss in self.losses(pair, theta_batch)]
        clock("theta forward")
        self.theta.ask(LAMBDA)  # timed with the update; the pair is the same on both sides
        self.theta.tell(pair, losses)
        clock("theta update")
        return clock.seconds

    def losses(self, pair: Pair, batch: Batch) -> list[Tensor]:
        """The loss of each architecture."""
        x, y = batch
        return [self.criterion(out, y) for out in self.outputs(x, pair)]

    def outputs(self, x: Tensor, pair: Pair) -> list[Tensor]:
        """The output of each architecture."""
        raise NotImplementedError

    def gradient(self, pair: Pair, batch: Batch, clock: Clock) -> None:
        """Leave the gradient of the mean loss, equation (2), in the parameters."""
        raise NotImplementedError


class Ours(Side):
    """The supernet, all architectures of a step together."""

    def outputs(self, x: Tensor, pair: Pair) -> list[Tensor]:
        return self.net.forward_many(x, pair)

    def gradient(self, pair: Pair, batch: Batch, clock: Clock) -> None:
        loss = torch.stack(self.losses(pair, batch)).mean()
        clock("forward")
        loss.backward()
        clock("backward")


class Plain(Side):
    """The plain network, one architecture after the other."""

    def outputs(self, x: Tensor, pair: Pair) -> list[Tensor]:
        return [self.net(x, architecture) for architecture in pair]

    def gradient(self, pair: Pair, batch: Batch, clock: Clock) -> None:
        for architecture in pair:
            loss = self.losses([architecture], batch)[0] / LAMBDA
            clock("forward")
            loss.backward()
            clock("backward")


class Clock:
    """Adds the time since the last call to a phase."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._last = time.perf_counter()

    def __call__(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] += now - self._last
        self._last = now


class Cells:
    """Image classification with the space of cells."""

    size = 64

    def side(self, name: str) -> Side:
        """A side with weights of its own."""
        space = cell_space(5, tuple(OPERATIONS))
        if name == "ours":
            return Ours(CellSupernet(channels=16), space, F.cross_entropy, 3e-4)
        return Plain(PlainNetwork(channels=16), space, F.cross_entropy, 3e-4)

    def batch(self, size: int = size, dtype: torch.dtype = torch.float32) -> Batch:
        """Random images and classes."""
        return torch.randn(size, 3, 32, 32, dtype=dtype), torch.randint(10, (size,))

    to_plain = staticmethod(to_plain)
    load = staticmethod(load_from)
    compared = staticmethod(lambda side, pair, data: side.losses(pair, data))


class Inpainting:
    """Inpainting with the space of auto-encoders."""

    size = 16

    def side(self, name: str) -> Side:
        """A side with weights of its own."""
        space = autoencoder_space(ChainSettings())
        if name == "ours":
            return Ours(AutoencoderSupernet(), space, F.mse_loss)
        return Plain(PaddedAutoencoder(), space, F.mse_loss)

    def batch(self, size: int = size, dtype: torch.dtype = torch.float32) -> Batch:
        """Random images with a masked centre, and the whole ones."""
        images = torch.rand(size, 3, 64, 64, dtype=dtype)
        masked = images.clone()
        masked[:, :, 16:48, 16:48] = 0
        return masked, images

    to_plain = staticmethod(to_padded)
    load = staticmethod(load_padded)
    # The output of an untrained auto-encoder is small: its loss is nearly that of 0.
    compared = staticmethod(lambda side, pair, data: side.outputs(data[0], pair))


Task = Cells | Inpainting
TASKS: dict[str, Task] = {"cells": Cells(), "inpainting": Inpainting()}


def sides(
    task: Task, dtype: torch.dtype = torch.float32, kernels: Setting = "library"
) -> dict[str, Side]:
    """Both sides with the same weights, ours with compiled operators or torch's own."""
    torch.manual_seed(0)
    both = {name: task.side(name) for name in NAMES}
    task.load(both["plain"].net, both["ours"].net)
    for side in both.values():
        side.net.to(dtype)
        choose_kernels(side.net, kernels, torch.device("cpu"))
    return both


def pairs(space: Any, count: int) -> list[Pair]:
    """Architectures drawn uniformly, as at the start of a search."""
    rng = np.random.default_rng(1)
    return [[space.uniform(rng) for _ in range(LAMBDA)] for _ in range(count)]
