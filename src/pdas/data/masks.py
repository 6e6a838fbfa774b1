"""Masks: which pixels of a batch an inpainting network does not see.

The paper's three are `MASKS`; one of the user's own is any function of the same form. A mask is
drawn for a whole batch by the generator that is passed in, so the same seed hides the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any, Protocol

import torch
from torch import Tensor

from pdas.distributed.ranks import Ranks
from pdas.distributed.transfer import moved
from pdas.resume.batches import in_shares
from pdas.support.errors import SettingError
from pdas.support.imports import imported
from pdas.support.refusals import refuse

Mask = Callable[[Tensor, torch.Generator], Tensor]
"""Images (N, C, H, W) and a generator to bool (N, 1, H, W) on the same device, True if hidden."""

PIXEL_PROBABILITY = 0.8
SIDES = 4  # left, right, top, bottom


def center(images: Tensor, generator: torch.Generator) -> Tensor:
    """Hide the central half in each direction: 32x32 pixels of 64x64; nothing is drawn.

    Of H rows, H // 2 are hidden, with as many before as after, or one more after.

    Args:
        images: (N, C, H, W).
        generator: not used.

    Returns:
        bool (N, 1, H, W), True if hidden.
    """
    n, _, height, width = images.shape
    hidden = torch.zeros((n, 1, height, width), dtype=torch.bool, device=images.device)
    top, left = ((side - side // 2) // 2 for side in (height, width))
    hidden[:, :, top : top + height // 2, left : left + width // 2] = True
    return hidden


def pixel(images: Tensor, generator: torch.Generator) -> Tensor:
    """Hide each pixel with probability 0.8, independently.

    Args:
        images: (N, C, H, W).
        generator: draws one number for each pixel.

    Returns:
        bool (N, 1, H, W), True if hidden.
    """
    n, _, height, width = images.shape
    draws = torch.rand((n, 1, height, width), generator=generator, device=generator.device)
    return moved(draws < PIXEL_PROBABILITY, images.device)


def half(images: Tensor, generator: torch.Generator) -> Tensor:
    """Hide the left, right, top or bottom half of each image: W // 2 columns or H // 2 rows.

    Args:
        images: (N, C, H, W).
        generator: draws one side for each image.

    Returns:
        bool (N, 1, H, W), True if hidden.
    """
    n, _, height, width = images.shape
    sides = torch.randint(SIDES, (n, 1, 1, 1), generator=generator, device=generator.device)
    sides = moved(sides, images.device)
    rows = torch.arange(height, device=images.device).view(-1, 1)
    columns = torch.arange(width, device=images.device)
    halves = (
        columns < width // 2,
        columns >= width - width // 2,
        rows < height // 2,
        rows >= height - height // 2,
    )
    hidden = torch.zeros((n, 1, height, width), dtype=torch.bool, device=images.device)
    # Each half is a row or a column of bools, which broadcasts to the images that drew it.
    for side, pixels in enumerate(halves):
        hidden |= (sides == side) & pixels
    return hidden


MASKS: dict[str, Mask] = {"center": center, "pixel": pixel, "half": half}


def find_mask(name: str) -> Mask:
    """The mask of a name.

    Args:
        name: one of `MASKS`, or "MODULE:FUNCTION", which is imported.

    Raises:
        SettingError: there is no such mask, or its module cannot be imported.
    """
    if name in MASKS:
        return MASKS[name]
    return imported(name, "mask", noun="function", others=tuple(MASKS))


def draw_mask(mask: Mask, images: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a mask for a batch, and check what a function of the user's own returns.

    Args:
        mask: which pixels are hidden.
        images: (N, C, H, W).
        generator: draws the mask.

    Returns:
        bool (N, 1, H, W) on the device of the images, True if hidden.

    Raises:
        SettingError: the mask fails, or is no bool tensor that broadcasts to that shape.
    """
    try:
        hidden: object = mask(images, generator)
    except Exception as error:  # a function of the user's may raise anything
        line = " ".join(repr(error).split())
        expected = f"expected a tensor for images {tuple(images.shape)} and a generator"
        raise SettingError(f"mask: the function failed ({line}), {expected}; mend it") from error
    n, _, height, width = images.shape
    shape = (n, 1, height, width)
    if isinstance(hidden, Tensor):
        found = f"{hidden.dtype} of shape {tuple(hidden.shape)}"
        if hidden.dtype == torch.bool and _broadcasts(tuple(hidden.shape), shape):
            return moved(hidden, images.device).expand(shape)
    else:
        found = type(hidden).__name__
    refuse(
        SettingError,
        "mask",
        found=f"a function that gives {found}",
        expected=f"torch.bool of shape {shape} for images {tuple(images.shape)}",
        remedy="return True where a pixel is hidden",
    )


def _broadcasts(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether one shape broadcasts to another without changing it."""
    return len(found) <= len(shape) and all(
        length in (1, whole) for length, whole in zip(found[::-1], shape[::-1], strict=False)
    )


class SizedBatches(Protocol):
    """Passes over float images (n, C, H, W) and whatever goes with them."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Tensor, Any]]: ...

    def pass_from(self, first: int) -> Iterator[tuple[Tensor, Any]]: ...


class MaskedBatches:
    """Passes in mini-batches `(masked, clean)`, as inpainting is trained and measured.

    Both are those of `batches`, of their dtype and device, (n, C, H, W) contiguous in that order:
    sliced transposed convolutions of channels-last batches have crashed in the backward pass.
    `masked` is `clean` with the hidden pixels 0 in all channels. A mask is drawn when its batch is
    taken, so that between two batches the generator's state is that of the batches already taken.

    Args:
        batches: gives `(x, y)`; x is the clean batch, y is dropped.
        mask: which pixels are hidden.
        generator: draws the masks, which are new in every pass. For the same masks in every pass,
            as for a test, make a new `MaskedBatches` with a generator of the same seed.

    Raises:
        SettingError: on taking a batch, if a mask of the user's own gives no mask.

    Example:
        MaskedBatches(batches, find_mask("center"), torch.Generator().manual_seed(0))
    """

    def __init__(self, batches: SizedBatches, mask: Mask, generator: torch.Generator) -> None:
        self.batches = batches
        self.mask = mask
        self.generator = generator

    def __len__(self) -> int:
        """Batches in a pass."""
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return ((masked, clean) for masked, clean, _ in self.with_masks())

    def pass_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """A pass that begins at one of its batches; the order is drawn now, nothing else.

        Args:
            first: the index of that batch, from 0.
        """
        passing = map(self._with_mask, self.batches.pass_from(first))
        return ((masked, clean) for masked, clean, _ in passing)

    def in_shares(self, ranks: Ranks) -> MaskedBatches:
        """The same passes, of which each rank decodes its share; see `Batches.in_shares`.

        Args:
            ranks: that share them.
        """
        own = copy(self)
        own.batches = in_shares(self.batches, ranks)
        return own

    def with_masks(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """A pass of `(masked, clean, hidden)`; hidden is bool (n, 1, H, W)."""
        return map(self._with_mask, self.batches)

    def _with_mask(self, batch: tuple[Tensor, Any]) -> tuple[Tensor, Tensor, Tensor]:
        clean = batch[0].clone(memory_format=torch.contiguous_format)
        hidden = draw_mask(self.mask, clean, self.generator)
        return clean.masked_fill(hidden, 0), clean, hidden
