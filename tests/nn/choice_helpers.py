"""A network with a choice of every kind, and what is counted of any network."""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pdas.nn import (
    BatchNorm2d,
    Choice,
    Conv2d,
    InputChoice,
    Linear,
    OptionalLayer,
    Repeat,
    Supernet,
    Value,
)
from pdas.space import Architecture


class Block(nn.Module):
    """Choices of an operation, one of which holds another choice, and of one more layer."""

    def __init__(self, name: str, width: Value) -> None:
        super().__init__()
        depthwise = Conv2d(width, width, 3, padding=1, groups=width)
        inner = {"point": Conv2d(width, width, 1), "none": nn.Identity()}
        self.op = Choice(
            f"{name}/op",
            {
                "conv3": Conv2d(width, width, 3, padding=1),
                "separable": nn.Sequential(depthwise, Conv2d(width, width, 1)),
                "nested": nn.Sequential(nn.ReLU(), Choice(f"{name}/inner", inner)),
            },
        )
        self.norm = BatchNorm2d(width)
        self.extra = OptionalLayer(f"{name}/extra", Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.extra(F.relu(self.norm(self.op(x))))


class Everything(nn.Module):
    """`(N, 3, 16, 16) -> (N, 10)`."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [4, 2, 6])
        self.stem = Conv2d(3, width, 3, stride=Value("stride", [1, 2]), padding=1)
        self.body = Repeat("depth", [Block(f"block{i}", width) for i in range(3)], [1, 3])
        self.activation = Value("activation", ["relu", "tanh"])
        self.source = InputChoice("source", ["stem", "body"])
        self.mix = InputChoice("mix", 3, choose=2)
        self.head = Linear(width * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x)
        h = self.source([stem, self.body(stem)])
        first, second = self.mix([h, stem, h * h])
        h = first + second
        h = torch.relu(h) if self.activation.value == "relu" else torch.tanh(h)
        out: Tensor = self.head(F.adaptive_avg_pool2d(h, 4).flatten(1))
        return out


def every(net: Supernet) -> list[Architecture]:
    """All architectures of a small space."""
    return net.space.architectures(list(product(*map(range, net.space.sizes))))


def multiply_adds(network: nn.Module, x: Tensor) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x)
    return counter.get_total_flops() / 2


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())
