"""Augmentation of whole batches, and the transform of training batches that it is a part of.

Every image of a batch gets its own crop, flip and cutout, drawn by one generator, and the batch is
changed by a handful of tensor operations on its device: there is no Python call per image. The
order is that of the usual CIFAR pipeline: pad with black, crop, flip, standardise, cutout; so
padding is black (0 before standardisation) and a cut-out square is the channel mean (0 after it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from pdas.data.ranks.part import WHOLE, Part
from pdas.data.views.jitter import Jitter
from pdas.data.views.standardise import Standardise
from pdas.distributed.transfer import moved
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


@dataclass(frozen=True)
class Augment:
    """Random crop after padding, horizontal flip, colour jitter and cutout, drawn for each image.

    Args:
        pad: pixels of black added on every side before a crop of the original size; 0 is no crop.
        flip: whether each image is mirrored with probability 1/2.
        cutout: side of the square set to 0 (DeVries and Taylor, "Improved Regularization of
            Convolutional Neural Networks with Cutout", 2017); 0 is no cutout. Its centre is
            uniform over the pixels, so that it is clipped at the border.
        jitter: of the colours, after the flip.

    Raises:
        SettingError: a number of pixels is negative.

    Example:
        Augment(pad=4, flip=True, cutout=0)(batch, torch.Generator())
    """

    pad: int = 4
    flip: bool = True
    cutout: int = 16
    jitter: Jitter | None = None

    def __post_init__(self) -> None:
        self._check(lambda pixels: pixels >= 0, "at least 0", "set it to 0 for none")

    def check_size(self, size: int) -> None:
        """Check that the padding and the cut-out square are not larger than the images.

        Such padding or cutout leaves little of an image to learn from, and takes much memory.

        Args:
            size: of the images, in pixels a side.

        Raises:
            SettingError: one of them is larger.
        """
        expected = f"0 to {size} (the images have {size}x{size} pixels)"
        self._check(lambda pixels: pixels <= size, expected, "lower it")

    def _check(self, fits: Callable[[int], bool], expected: str, remedy: str) -> None:
        """Raise SettingError for the first number of pixels that does not fit."""
        for name, pixels in (("data.pad", self.pad), ("data.cutout", self.cutout)):
            if not fits(pixels):
                found = str(pixels)
                refuse(SettingError, name, found=found, expected=expected, remedy=remedy)

    def __call__(
        self,
        batch: Tensor,
        generator: torch.Generator,
        standardise: Standardise | None = None,
        part: Part = WHOLE,
    ) -> Tensor:
        """Augment a batch; it is not changed in place.

        Args:
            batch: (N, C, H, W), uint8 or float.
            generator: draws the crops, the flips, the jitter, then the centres of the squares.
            standardise: of a uint8 batch, applied before cutout.
            part: which part of a larger batch it is; all is drawn for the whole of that.

        Returns:
            The shape of `batch`; with `standardise` float32, else the dtype of `batch`.
        """
        numbers, colours = self._draw(batch, generator, part)
        crop, cut = numbers[:-2] if self.cutout else numbers, numbers[-2:]
        dtype = batch.dtype
        if self.pad or self.flip:
            batch = self._crop_and_flip(batch, *crop)
        if self.jitter and colours is not None:
            batch = self.jitter(batch, *colours)
            batch = batch if standardise is not None else batch.round().to(dtype)
        if standardise is not None:
            batch = standardise(batch)
        return self._cut_out(batch, *cut) if self.cutout else batch

    def _draw(
        self, batch: Tensor, generator: torch.Generator, part: Part
    ) -> tuple[Sequence[Tensor], tuple[Tensor, list[int]] | None]:
        """All that a batch needs.

        Returns:
            Whole numbers for each image, int64 (n, 1) each, on the device of the batch: top and
            left of the crop, whether it is mirrored, row and column of the centre of the square;
            without those of what is off. And what the jitter needs.
        """
        height, width = batch.shape[2:]
        n, device = len(batch) * part.count, generator.device
        draw = partial(torch.randint, size=(n, 1), generator=generator, device=device)
        numbers, colours = [], None
        if self.pad or self.flip:
            # Drawn without padding too (then always 0), so that the flips are the same draws.
            numbers += [draw(2 * self.pad + 1), draw(2 * self.pad + 1)]
        if self.flip:
            numbers.append(draw(2))
        if self.jitter:
            factors = torch.rand(n, 4, generator=generator, device=device)
            order = torch.randperm(4, generator=generator, device=device)
            colours = part.own(factors), order.tolist()
        if self.cutout:
            numbers += [draw(height), draw(width)]
        if not numbers:
            return (), colours
        own = torch.stack([part.own(each) for each in numbers])
        return moved(own, batch.device).unbind(), colours  # in one copy

    def _crop_and_flip(
        self, batch: Tensor, top: Tensor, left: Tensor, mirrored: Tensor | None = None
    ) -> Tensor:
        """Crop and flip a batch; each image has an offset and a direction of its own."""
        n, channels, height, width = batch.shape
        if not self.pad:
            assert mirrored is not None  # else there is nothing to do
            return torch.where(mirrored.bool().view(n, 1, 1, 1), batch.flip(3), batch)
        rows = top + torch.arange(height, device=batch.device)
        columns = left + torch.arange(width, device=batch.device)
        if mirrored is not None:
            columns = torch.where(mirrored.bool(), columns.flip(1), columns)
        # One `gather` from the padded images takes the crop and the flip of every image.
        pixels = rows.unsqueeze(2) * (width + 2 * self.pad) + columns.unsqueeze(1)
        padded = F.pad(batch, 4 * [self.pad]).flatten(2)
        return padded.gather(2, pixels.view(n, 1, -1).expand(-1, channels, -1)).view_as(batch)

    def _cut_out(self, batch: Tensor, centre_y: Tensor, centre_x: Tensor) -> Tensor:
        """Set one square of each image to 0."""
        rows = self._covered(centre_y, batch.shape[2])
        columns = self._covered(centre_x, batch.shape[3])
        return batch.masked_fill((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), 0)

    def _covered(self, centre: Tensor, length: int) -> Tensor:
        """Which of `length` positions the square covers along one axis: bool (n, length)."""
        offset = torch.arange(length, device=centre.device) - centre + self.cutout // 2
        return (offset >= 0) & (offset < self.cutout)


@dataclass(frozen=True)
class TrainingTransform:
    """The transform of training batches; that of evaluation is `standardise` alone.

    Args:
        standardise: applied before cutout.
        augment: what is drawn for each image.
        generator: draws it.
        part: which part of each batch is seen.

    Example:
        TrainingTransform(standardise, Augment(), torch.Generator())(images)
    """

    standardise: Standardise
    augment: Augment
    generator: torch.Generator
    part: Part = WHOLE

    def __call__(self, images: Tensor) -> Tensor:
        """Augment and standardise a batch.

        Args:
            images: uint8 (N, C, H, W).

        Returns:
            float32 of the same shape.
        """
        return self.augment(images, self.generator, self.standardise, self.part)

    def for_part(self, part: Part) -> TrainingTransform:
        """The same of a part of each batch, for which the whole is drawn."""
        return replace(self, part=part)
