"""Test images that are nearly the same as a training image, which makes a test too easy.

Candidates have nearly the same hash of 64 bits: whether each cell of a grid is brighter than its
left neighbour (a "difference hash"). Of small pictures this alone would find too many, so the
thumbnails of candidates are compared, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

SIDE = 16  # of a thumbnail, in pixels
NEAR_BITS = 12  # of 64 that differ at most
NEAR_CORRELATION = 0.99
NEAR_LEVELS = 12.0  # of 255, the mean difference
BLOCK = 64  # test images whose hashes are compared with all others at a time
PAIRS = 65_536  # of thumbnails, likewise


@dataclass(frozen=True)
class Thumbnails:
    """What images are compared by.

    Attributes:
        pixels: grey levels, float32 (N, SIDE * SIDE).
        hashes: uint64 (N,).

    Example:
        Thumbnails.of(images)
    """

    pixels: Tensor
    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, images: Tensor) -> Thumbnails:
        """Those of images.

        Args:
            images: uint8 (N, C, H, W).
        """
        grey = images.to(torch.float32).mean(1, keepdim=True)
        pixels = F.interpolate(grey, size=(SIDE, SIDE), mode="area").flatten(1)
        grid = F.interpolate(grey, size=(8, 9), mode="area")[:, 0]
        bits = (grid[:, :, 1:] > grid[:, :, :-1]).flatten(1).cpu().numpy()
        return cls(pixels.cpu(), np.packbits(bits, axis=1).view(np.uint64)[:, 0])

    @classmethod
    def joined(cls, parts: list[Thumbnails]) -> Thumbnails:
        """Those of several parts, one after the other.

        Args:
            parts: at least one.
        """
        return cls(
            torch.cat([part.pixels for part in parts]),
            np.concatenate([part.hashes for part in parts]),
        )


def near_duplicates(train: Thumbnails, test: Thumbnails) -> dict[int, int]:
    """Test images that are nearly the same as a training image; constant ones are in no pair.

    Args:
        train: of the training images.
        test: of the test images.

    Returns:
        The index of each such test image, with that of the training image most like it.
    """
    found: dict[int, tuple[float, int]] = {}  # by test image: how far it is from which other
    train_shapes, test_shapes = _shapes(train.pixels), _shapes(test.pixels)
    for first, second in _candidates(train, test):
        similar = (test_shapes[first] * train_shapes[second]).sum(1)
        apart = (test.pixels[first] - train.pixels[second]).abs().mean(1)
        near = (similar >= NEAR_CORRELATION) & (apart <= NEAR_LEVELS)
        columns = (first[near].tolist(), apart[near].tolist(), second[near].tolist())
        for i, distance, j in zip(*columns, strict=True):
            found[i] = min(found.get(i, (distance, j)), (distance, j))
    return {i: j for i, (_, j) in sorted(found.items())}


def _candidates(train: Thumbnails, test: Thumbnails) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs with nearly the same hash: indices of test images and of training images."""
    for start in range(0, len(test.hashes), BLOCK):
        block = test.hashes[start : start + BLOCK, None]
        pairs = np.argwhere(np.bitwise_count(block ^ train.hashes) <= NEAR_BITS)
        for part in torch.split(torch.from_numpy(pairs), PAIRS):
            yield part[:, 0] + start, part[:, 1]


def _shapes(pixels: Tensor) -> Tensor:
    """Without brightness and contrast, so that a product of two is their correlation."""
    centred = pixels - pixels.mean(1, keepdim=True)
    return F.normalize(centred, dim=1)
