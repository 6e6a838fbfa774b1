"""A derived network with what its images need before and after it, as a single module.

Programs take images float32 `(N, C, H, W)` in [0, 1], so that nothing else has to be known.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ClassifierProgram(nn.Module):
    """Standardisation, then the network: images to logits `(N, classes)`.

    Args:
        network: takes images that are standardised.
        mean, std: of each channel of the images in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


class RestorerProgram(nn.Module):
    """The network, then clipping to [0, 1]: masked images to restored ones of the same shape."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        restored: Tensor = self.network(images)
        return restored.clamp(0, 1)
