"""A retrained auto-encoder, ready to restore images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.settings import AutoencoderSize
from pdas.spaces.base import FAMILIES
from pdas.spaces.description import Description, describe
from pdas.support.errors import DataError


class Restorer:
    """A retrained network that is ready to use.

    Attributes:
        network: the plain network, in evaluation mode.
        size: its size, for images as it was trained with.
        channels: of the images: 1 (grey) or 3 (RGB).
        image_size: pixels a side that the network was trained at.
    """

    def __init__(self, network: AutoencoderNetwork, size: AutoencoderSize) -> None:
        self.network = network.eval()
        self.size = size
        self.channels = size.image_channels
        self.image_size = size.height

    @torch.no_grad()
    def restore(self, images: Tensor, hidden: Tensor) -> Tensor:
        """Images with their hidden pixels replaced by what the network makes of the others.

        PSNR and SSIM of a result are of the whole output of the network, the visible pixels too.

        Args:
            images: uint8 `(N, C, H, W)`; the network was trained at `image_size`.
            hidden: bool `(N, 1, H, W)`, True where a pixel is to be replaced.

        Raises `DataError` for tensors of another type or shape.
        """
        shape = (len(images), self.channels, *images.shape[2:])
        if images.dtype != torch.uint8 or images.shape != shape or images.ndim != 4:
            raise DataError(
                f"images: found {images.dtype} of shape {tuple(images.shape)}, expected uint8 of "
                f"shape (N, {self.channels}, H, W)"
            )
        if hidden.dtype != torch.bool or hidden.shape != (shape[0], 1, *shape[2:]):
            raise DataError(
                f"hidden: found {hidden.dtype} of shape {tuple(hidden.shape)}, expected bool of "
                f"shape {(shape[0], 1, *shape[2:])}"
            )
        masked = (images / 255).masked_fill(hidden, 0)
        restored: Tensor = self.network(masked)
        pixels = (restored.clamp(0, 1) * 255).round().to(torch.uint8)
        return torch.where(hidden, pixels, images)

    def description(self) -> Description[AutoencoderSize]:
        """All that it takes to build the network again."""
        return describe(
            "restorer",
            {
                "architecture": self.network.architecture,
                "network": self.size.model_dump(),
                "image_shape": (self.channels, self.image_size, self.image_size),
            },
        )


def load_restorer(retrained: Run) -> Restorer:
    """The restorer of one `retrain-<seed>/`; raises `RunError` if its files are damaged."""
    return retrained.read("result.json", partial(_parse, retrained))


def _parse(retrained: Run, file: Path) -> Restorer:
    result = parse_json(file)
    size = FAMILIES["autoencoders"].parsed_size(result["network"])
    network = FAMILIES["autoencoders"].network(result["architecture"], size)
    assert isinstance(network, AutoencoderNetwork)
    retrained.read("weights.safetensors", partial(load_weights, network))
    return Restorer(network, size)
