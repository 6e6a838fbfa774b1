"""A retrained network, ready to restore images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.support.errors import DataError
from pdas.support.refusals import refuse
from pdas.support.settings import validated
from pdas.tasks.image_tasks.inputs import Images, device_of, stacked
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
    def restore(self, images: Images, hidden: Tensor | NDArray[np.bool_]) -> Tensor:
        """Images with their hidden pixels replaced by what the network makes of the others.

        They keep their own size; the network was trained at `image_size`. Known pixels stay as they
        are, so the quality of what is returned is the composited one of a result.

        Args:
            images: one, or several of one size, of any kinds: a path (a string is one path), a PIL
                image, an array `(H, W)` or `(H, W, C)`, a tensor `(H, W)` or `(C, H, W)`; an array
                `(N, H, W, C)` or a tensor `(N, C, H, W)` is several. Values are uint8, or float in
                [0, 1].
            hidden: bool `(N, 1, H, W)`, True where a pixel is to be replaced; or `(H, W)`, the same
                of all images.

        Returns:
            uint8 `(N, C, H, W)`, on the device of the network.

        Raises:
            DataError: a file is no image, an array has another type, shape or range, or the images
                have several sizes.

        Example:
            restored = restorer.restore("photo.jpg", mask)
        """
        pixels = stacked(images, self.channels)
        mask = _mask(hidden, (len(pixels), 1, *pixels.shape[2:]))
        device = device_of(self.network)
        pixels, mask = pixels.to(device), mask.to(device)
        masked = (pixels / 255).masked_fill(mask, 0)
        restored: Tensor = self.network(masked)
        found = (restored.clamp(0, 1) * 255).round().to(torch.uint8)
        return torch.where(mask, found, pixels)

    def description(self) -> RestorerDescription:
        """All that it takes to build the network again."""
        return self._description


def _mask(hidden: Tensor | NDArray[np.bool_], shape: tuple[int, ...]) -> Tensor:
    """Which pixels are hidden, for images of this shape."""
    array = hidden if isinstance(hidden, Tensor) else np.asarray(hidden)
    if array.dtype not in (torch.bool, np.bool_) or tuple(array.shape) not in (shape, shape[2:]):
        refuse(
            DataError,
            "hidden",
            found=f"{array.dtype} of shape {tuple(array.shape)}",
            expected=f"bool of shape {shape} or {shape[2:]}, as the images",
        )
    return torch.as_tensor(array)


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
