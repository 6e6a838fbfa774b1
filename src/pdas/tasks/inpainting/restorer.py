"""A retrained network, ready to restore images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.support.errors import DataError
from pdas.support.refusals import refuse
from pdas.support.settings import validated
from pdas.tasks.inpainting.description import RestorerDescription


class Restorer:
    """A retrained network that is ready to use.

    Args:
        network: the plain network.
        description: what it takes to build it again.

    Attributes:
        network: the plain network, in evaluation mode.

    Example:
        restorer = pdas.load("runs/inpaint-photos-0")
        restorer.restore(images, hidden)
    """

    def __init__(self, network: nn.Module, description: RestorerDescription) -> None:
        self.network = network.eval()
        self._description = description

    @property
    def channels(self) -> int:
        """Of the images: 1 (grey) or 3 (RGB)."""
        return self._description.image_shape[0]

    @property
    def image_size(self) -> int:
        """Pixels a side that the network was trained at."""
        return self._description.image_shape[1]

    @torch.no_grad()
    def restore(self, images: Tensor, hidden: Tensor) -> Tensor:
        """Images with their hidden pixels replaced by what the network makes of the others.

        PSNR and SSIM of a result are of the whole output of the network, the visible pixels too.

        Args:
            images: uint8 `(N, C, H, W)`; the network was trained at `image_size`.
            hidden: bool `(N, 1, H, W)`, True where a pixel is to be replaced.

        Returns:
            uint8 `(N, C, H, W)`.

        Raises:
            DataError: tensors of another type or shape.
        """
        shape = (len(images), self.channels, *images.shape[2:])
        if images.ndim != 4:
            shape = (len(images), self.channels, -1, -1)
        _check("images", images, torch.uint8, shape, f"(N, {self.channels}, H, W)")
        expected = (shape[0], 1, *shape[2:])
        _check("hidden", hidden, torch.bool, expected, str(expected))
        masked = (images / 255).masked_fill(hidden, 0)
        restored: Tensor = self.network(masked)
        pixels = (restored.clamp(0, 1) * 255).round().to(torch.uint8)
        return torch.where(hidden, pixels, images)

    def description(self) -> RestorerDescription:
        """All that it takes to build the network again."""
        return self._description


def _check(
    name: str, tensor: Tensor, dtype: torch.dtype, shape: tuple[int, ...], expected: str
) -> None:
    if tensor.dtype != dtype or tensor.shape != shape:
        refuse(
            DataError,
            name,
            found=f"{tensor.dtype} of shape {tuple(tensor.shape)}",
            expected=f"{str(dtype).removeprefix('torch.')} of shape {expected}",
        )


def load_restorer(retrained: Run) -> Restorer:
    """The restorer of one `retrain-<seed>/`.

    Raises:
        RunError: its files are damaged.
    """
    return retrained.read("result.json", partial(_parse, retrained))


def _parse(retrained: Run, file: Path) -> Restorer:
    result = parse_json(file)
    fields = ("architecture", "network", "image_shape")
    description = validated(RestorerDescription, {name: result[name] for name in fields})
    network = description.build()
    retrained.read("weights.safetensors", partial(load_weights, network))
    return Restorer(network, description)
