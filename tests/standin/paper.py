"""The supernets of the paper's sizes on the stand-in device, and fixed architectures of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pdas import recipes
from pdas.space import Architecture, SearchSpace
from pdas.spaces.base import FAMILIES
from tests.standin.device import DEVICE

SIZES = {"cells": ("cifar10", (3, 32, 32), 10), "auto-encoders": ("celeba-center", (3, 64, 64), 3)}
IMAGES = {"cells": 64, "auto-encoders": 16}


def supernet(family: str) -> Any:
    """A supernet of the paper; its weights take no memory."""
    recipe, shape, outputs = SIZES[family]
    network = recipes.load(recipe).network
    kind = FAMILIES[network.space]
    with DEVICE:
        net: nn.Module = kind.supernet(kind.size(network, shape, outputs))
    return net


def batch(family: str) -> tuple[Tensor, Tensor]:
    """Images, and labels or images to restore."""
    _, shape, _ = SIZES[family]
    n = IMAGES[family]
    images = torch.zeros(n, *shape, device=DEVICE)
    if family == "cells":
        return images, torch.zeros(n, dtype=torch.int64, device=DEVICE)
    return images, images.clone()


def pairs(space: SearchSpace, count: int) -> list[Sequence[Architecture]]:
    """Pairs of architectures, drawn uniformly; the same ones whenever they are asked for."""
    rng = np.random.default_rng(0)
    return [[space.uniform(rng), space.uniform(rng)] for _ in range(count)]
