"""Standardisation of whole batches, and the numbers for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pdas.data.images import ImageSource
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

STATISTICS_BATCH = 256


@dataclass(frozen=True)
class Standardise:
    """Standardisation of uint8 images, each channel by itself: (x / 255 - mean) / std.

    Args:
        mean: channel means of x / 255.
        std: channel standard deviations of x / 255. A constant channel (0) is divided by 1.

    Raises:
        SettingError: the numbers of means and deviations differ, or a deviation is negative.

    Example:
        Standardise(mean=(0.5,), std=(0.25,))(images)
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))  # lists, when read back from JSON
        object.__setattr__(self, "std", tuple(self.std))
        if len(self.mean) != len(self.std) or any(std < 0 for std in self.std):
            found, expected = f"{self.mean} and {self.std}", "one mean and one std of at least 0"
            refuse(SettingError, "mean, std", found=found, expected=f"{expected} for each channel")

    @cached_property
    def _constants(self) -> dict[torch.device, tuple[Tensor, Tensor]]:
        """Mean and divisor in units of 1 / 255, on each device where they were needed."""
        return {}

    def __getstate__(self) -> dict[str, tuple[float, ...]]:
        return {"mean": self.mean, "std": self.std}  # and no tensor of a device

    @property
    def divisor(self) -> tuple[float, ...]:
        """What images in [0, 1] are divided by: `std`, or 1 where it is 0."""
        return tuple(std or 1.0 for std in self.std)

    def __call__(self, batch: Tensor) -> Tensor:
        """Standardise a batch, on its device.

        Args:
            batch: uint8 (N, C, H, W).

        Returns:
            float32 of the same shape.
        """
        if batch.device not in self._constants:  # copied once, since a copy waits for the device
            values = torch.tensor([self.mean, self.divisor], device="cpu").to(batch.device)
            mean, std = (255 * values).view(2, 1, -1, 1, 1)
            self._constants[batch.device] = mean, std
        mean, std = self._constants[batch.device]
        together = batch.is_contiguous(memory_format=torch.channels_last)
        if batch.device.type != "cpu" or len(self.mean) == 1 or not together:
            return (batch.to(torch.float32) - mean).div_(std)
        # Row by row: the three channels of a pixel are too few for a loop of their own.
        n, channels, height, width = batch.shape
        rows = batch.permute(0, 2, 3, 1).reshape(n, height, width * channels).to(torch.float32)
        rows = (rows - mean.flatten().repeat(width)).div_(std.flatten().repeat(width))
        return rows.view(n, height, width, channels).permute(0, 3, 1, 2)


def channel_statistics(source: ImageSource) -> Standardise:
    """Channel means and (population) standard deviations of training images, in units of [0, 1].

    Every image is counted, so every file of images on disk is decoded: a broken one is named here,
    before anything is trained.

    Args:
        source: the training images.

    Returns:
        The standardisation by these numbers.

    Raises:
        DataError: a file is broken.
    """
    total = torch.zeros(source.image_shape[0], dtype=torch.int64, device="cpu")
    squares = torch.zeros_like(total)
    for images, _ in source.batches(
        torch.split(torch.arange(len(source), device="cpu"), STATISTICS_BATCH)
    ):
        # Integer sums are exact, in any order and for any number of images.
        total += images.sum((0, 2, 3), dtype=torch.int64)
        squares += images.to(torch.int32).square_().sum((0, 2, 3), dtype=torch.int64)
    pixels = len(source) * source.image_shape[1] * source.image_shape[2]
    mean = total.double() / pixels
    variance = (squares.double() / pixels - mean.square()).clamp(min=0)
    return Standardise(tuple((mean / 255).tolist()), tuple((variance.sqrt() / 255).tolist()))
