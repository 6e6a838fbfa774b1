"""A classifier as plain data, and as a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from pdas.tasks.description import Description


class ClassifierDescription(Description):
    """A classifier of images.

    Attributes:
        classes: in the order of the outputs.
        mean, std: of each channel, of images in [0, 1].
    """

    output_name = "logits"

    task: Literal["classification"] = "classification"
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[PositiveFloat, ...]
    input: str = (
        "images, float32 (N, *image_shape) in [0, 1]; the network of state_dict.pt takes "
        "(images - mean) / std, a program does that by itself"
    )
    output: str = "logits, float32 (N, classes)"

    def lengths(self, outputs: int) -> list[tuple[str, Any, int]]:
        channels = self.image_shape[0]
        return [
            ("mean", self.mean, channels),
            ("std", self.std, channels),
            ("classes", self.classes, outputs),
        ]

    def program(self, network: nn.Module) -> nn.Module:
        return ClassifierProgram(network, self.mean, self.std)


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
        """Logits of images `(N, C, H, W)` in [0, 1]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits
