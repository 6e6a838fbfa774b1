"""Colour jitter of whole batches, on their device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from pdas.distributed.transfer import moved

GREY = (0.299, 0.587, 0.114)  # of red, green and blue in the brightness, ITU-R BT.601
WHITE = 255.0
MIDDLES = (1.0, 1.0, 1.0, 0.0)  # of the factors: nothing changes

Change: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Of images, float32 (N, 3, H, W) in [0, 255], by a factor of each, (N, 1, 1, 1)."""


@dataclass(frozen=True)
class Jitter:
    """Changes of brightness, contrast, saturation and hue, one after the other.

    Brightness, contrast and saturation of each image are multiplied by a factor that is uniform in
    1 - x to 1 + x, hue is turned by a share of a circle that is uniform in -x to x. The order of
    the four is drawn for each batch. Grey images have neither saturation nor hue.

    Args:
        brightness, contrast, saturation: 0 (none) to 1.
        hue: 0 (none) to 0.5.

    Example:
        Jitter(0.4, 0.4, 0.4, 0.2)(images, torch.rand(len(images), 4), [0, 1, 2, 3])
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def __bool__(self) -> bool:
        """Whether there is anything to change."""
        return any(astuple(self))

    def __call__(self, images: Tensor, draws: Tensor, order: list[int]) -> Tensor:
        """Change a batch; it is not changed in place.

        Args:
            images: (N, C, H, W), values 0..255.
            draws: uniform in [0, 1), (N, 4): of brightness, contrast, saturation and hue.
            order: of the four, by these indices.

        Returns:
            float32 (N, C, H, W) in [0, 255].
        """
        changed = images.to(torch.float32)
        most, middle = (
            torch.tensor(each, device=draws.device) for each in (astuple(self), MIDDLES)
        )
        factors = moved(middle + (2 * draws - 1) * most, images.device)
        for index in order:
            has_colour = images.shape[1] == len(GREY)
            if astuple(self)[index] and (has_colour or CHANGES[index] not in COLOURS):
                changed = CHANGES[index](changed, factors[:, index].view(-1, 1, 1, 1))
        return changed


def _brightness(images: Tensor, factor: Tensor) -> Tensor:
    return (images * factor).clamp_(0, WHITE)


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    return _blended(images, _grey(images).mean((2, 3), keepdim=True), factor)


def _saturation(images: Tensor, factor: Tensor) -> Tensor:
    return _blended(images, _grey(images), factor)


def _hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue; value and chroma stay (Smith, "Color Gamut Transform Pairs", 1978)."""
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    value = images.amax(1, keepdim=True)
    chroma = value - images.amin(1, keepdim=True)
    divisor = chroma.clamp(min=1e-6)
    sixths = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    sixths = sixths + 6 * turn
    channels = []
    for place in (5, 3, 1):  # of red, green and blue on the circle
        k = (sixths + place).remainder_(6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.cat(channels, 1)


def _blended(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(other, images, factor).clamp_(0, WHITE)


def _grey(images: Tensor) -> Tensor:
    """The brightness, (N, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    red, green, blue = (images[:, i : i + 1] for i in range(3))
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue


CHANGES: tuple[Change, ...] = (_brightness, _contrast, _saturation, _hue)
COLOURS: tuple[Change, ...] = (_saturation, _hue)
