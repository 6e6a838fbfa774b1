"""A classifier as plain data, and as a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import PositiveFloat, model_validator
from torch import Tensor, nn
from typing_extensions import Self

from pdas.tasks.description import Description


class ClassifierDescription(Description):
    """A classifier of images.

    Attributes:
        classes: in the order of the outputs.
        mean, std: of each channel, of images in [0, 1].

    Example:
        pdas.load("runs/digits-0").description().classes
    """

    output_name = "logits"

    task: Literal["classification"] = "classification"
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[PositiveFloat, ...]
    input: str = (
        "images, float32 (N, *image_shape) in [0, 1], as preprocessing makes them; the network of "
        "state_dict.pt takes (images - mean) / std, a program does that by itself"
    )
    output: str = "logits, float32 (N, classes)"

    @property
    def outputs(self) -> int:
        return len(self.classes)

    @model_validator(mode="after")
    def _of_each_channel(self) -> Self:
        channels = self.image_shape[0]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != channels:
                raise ValueError(
                    f"{name}: found {len(values)} numbers, expected {channels} as in image_shape"
                )
        return self

    def program(self, network: nn.Module) -> nn.Module:
        return ClassifierProgram(network, self.mean, self.std)


class ClassifierProgram(nn.Module):
    """Standardisation, then the network: images to logits `(N, classes)`.

    Args:
        network: takes images that are standardised.
        mean, std: of each channel of the images in [0, 1].

    Example:
        ClassifierProgram(network, (0.5,), (0.25,))(images).softmax(1)
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
