"""Small networks with choices, and the same networks written by hand.

A network by hand has the same weights as plain tensors and modules; it slices them, and runs what
an architecture has by `if` and index.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn import Choice, Conv2d, InputChoice, Linear, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.elastic.base import ElasticWeight
from pdas.space import Architecture


class Images(nn.Module):
    """A small network for images of 32x32, with choices of every kind."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [16, 32])
        self.stem = Conv2d(3, width, 3, padding=1)
        self.mix = Conv2d(width, 32, 1)
        self.stage1 = nn.ModuleList(stage(f"a{i}") for i in range(3))
        self.extra = OptionalLayer("extra", nn.Conv2d(32, 32, 3, padding=1))
        self.stage2 = Repeat("depth", [block(f"b{i}") for i in range(3)], [1, 2, 3])
        self.source = InputChoice("source", 2)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.mix(F.relu(self.stem(x))))
        for layer in self.stage1:
            x = F.relu(layer(x))
        x = F.max_pool2d(self.extra(x), 2)
        x = self.source([x, self.stage2(x)])
        out: Tensor = self.head(x.mean((2, 3)))
        return out


class Table(nn.Module):
    """A small network for tables, whose layers take less time than what is around them."""

    def __init__(self, widths: Sequence[int] = (32, 64, 128)) -> None:
        super().__init__()
        width = Value("width", widths)
        self.first = Linear(32, width)
        self.layers = Repeat("depth", [TableLayer(f"layer{i}", width) for i in range(3)])
        self.last = Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.layers(self.first(x)))
        return out


class TableLayer(nn.Module):
    def __init__(self, name: str, width: Value) -> None:
        super().__init__()
        self.linear = Linear(width, width)
        self.act = Choice(name, {"relu": nn.ReLU(), "tanh": nn.Tanh()})

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(self.linear(x))
        return out


def stage(name: str) -> Choice:
    kernels = {f"conv{k}": nn.Conv2d(32, 32, k, padding=k // 2) for k in (1, 3, 5)}
    return Choice(name, kernels)


def block(name: str) -> nn.Module:
    return nn.Sequential(stage(name), nn.ReLU())


class ByHand(nn.Module):
    """The same weights without choices; `run` is what one would write for an architecture."""

    def __init__(self, net: Supernet) -> None:
        super().__init__()
        whole = {name: m for name, m in net.module.named_modules() if isinstance(m, ElasticWeight)}
        self.weights = nn.ParameterDict(
            {
                name.replace(".", "_"): nn.Parameter(weight.whole().detach())
                for name, weight in whole.items()
            }
        )

    def slice(self, name: str, *size: int) -> Tensor:
        weight: Tensor = self.weights[name]
        return weight[tuple(slice(n) for n in size)]


class ImagesByHand(ByHand):
    def __init__(self, net: Supernet) -> None:
        super().__init__(net)
        module = net.module
        assert isinstance(module, Images)
        self.stage1 = nn.ModuleList(options(choice) for choice in module.stage1)
        self.stage2 = nn.ModuleList(options(b[0]) for b in module.stage2.children())
        self.extra, self.head = copy.deepcopy(module.extra.candidate(0)), copy.deepcopy(module.head)

    def forward(self, x: Tensor, a: Architecture) -> Tensor:
        w = int(a["width"])
        x = F.conv2d(x, self.slice("stem_weight", w), self.slice("stem_bias", w), padding=1)
        x = F.conv2d(F.relu(x), self.slice("mix_weight", 32, w), self.slice("mix_bias", 32))
        x = F.relu(x)
        for i, convolutions in enumerate(self.stage1):
            x = F.relu(convolutions[a[f"a{i}"]](x))
        x = F.max_pool2d(self.extra(x) if a["extra"] else x, 2)
        y = x
        for i in range(int(a["depth"])):
            y = F.relu(self.stage2[i][a[f"b{i}"]](y))
        out: Tensor = self.head((y if a["source"] else x).mean((2, 3)))
        return out


class TableByHand(ByHand):
    def forward(self, x: Tensor, a: Architecture) -> Tensor:
        w = int(a["width"])
        x = F.linear(x, self.slice("first_weight", w), self.slice("first_bias", w))
        for i in range(int(a["depth"])):
            weight, bias = (self.slice(f"layers_{i}_linear_{n}", *s) for n, s in
                            (("weight", (w, w)), ("bias", (w,))))  # fmt: skip
            x = F.linear(x, weight, bias)
            x = F.relu(x) if a[f"layer{i}"] == "relu" else torch.tanh(x)
        return F.linear(x, self.slice("last_weight", 10, w), self.slice("last_bias", 10))


def options(choice: nn.Module) -> nn.ModuleDict:
    assert isinstance(choice, Choice)
    labels = map(str, choice.variable.categories)
    return nn.ModuleDict(
        {label: copy.deepcopy(m) for label, m in zip(labels, choice.children(), strict=True)}
    )
