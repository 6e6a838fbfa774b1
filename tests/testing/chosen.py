"""A supernet as a user may write it: small, plain, without settings."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from pdas.space import Architecture, SearchSpace, check_architecture

ACTIVATIONS: dict[Any, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


class Chosen(nn.Module):
    """One hidden layer or two, each with an activation of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.space = SearchSpace(
            {"depth": (1, 2), "first": tuple(ACTIVATIONS), "second": tuple(ACTIVATIONS)}
        )
        self.first = nn.ModuleDict({name: nn.Linear(4, 8) for name in ACTIVATIONS})
        self.second = nn.ModuleDict({name: nn.Linear(8, 8) for name in ACTIVATIONS})
        self.last = nn.Linear(8, 3)

    def path(self, architecture: Architecture) -> nn.Sequential:
        check_architecture("architecture", architecture, self.space)
        names = ("first", "second")[: int(architecture["depth"])]
        layers: list[nn.Module] = []
        for name in names:
            label = architecture[name]
            layers += [getattr(self, name)[label], ACTIVATIONS[label]()]
        return nn.Sequential(*layers, self.last)

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        out: Tensor = self.path(architecture)(x)
        return out

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        return [self(x, architecture) for architecture in architectures]

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        network = copy.deepcopy(self.path(architecture))
        if not keep_weights:
            for layer in network:
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()
        return network

    def active(self, architecture: Architecture) -> npt.NDArray[np.bool_]:
        return np.array([True, True, architecture["depth"] == 2])
