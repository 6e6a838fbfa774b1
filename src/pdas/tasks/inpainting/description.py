"""A network that restores images as plain data, and as a program."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from pdas.tasks.description import Description
from pdas.tasks.image_tasks.preprocessing import Preprocessing


class RestorerDescription(Description):
    """A network that restores images.

    Example:
        pdas.load("runs/inpaint-photos-0").description().build()
    """

    output_name = "restored"

    task: Literal["inpainting"] = "inpainting"
    preprocessing: Preprocessing = Preprocessing(resize="none")
    input: str = "images, float32 (N, *image_shape) in [0, 1], 0 in all channels of a hidden pixel"
    output: str = (
        "whole restored images, float32 (N, *image_shape); a program clips them to [0, 1], the "
        "network of state_dict.pt does not"
    )

    @property
    def outputs(self) -> int:
        return self.image_shape[0]

    def program(self, network: nn.Module) -> nn.Module:
        return RestorerProgram(network)


class RestorerProgram(nn.Module):
    """The network, then clipping to [0, 1]: masked images to restored ones of the same shape.

    Args:
        network: from masked images to restored ones.

    Example:
        RestorerProgram(network)(masked)
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Restored images of masked ones `(N, C, H, W)` in [0, 1]."""
        restored: Tensor = self.network(images)
        return restored.clamp(0, 1)
