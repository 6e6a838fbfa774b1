"""Which area of an image is resized: a central square, or one drawn anew in every pass.

An area is drawn by the seed of the pass and the index of the image alone. So it is the same in
whichever process the image is decoded, and whatever was decoded before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

Area: TypeAlias = tuple[float, float, float, float]
"""(left, top, right, bottom), in pixels of the upright image."""

RATIOS = (3 / 4, 4 / 3)  # width by height of a random area
TRIES = 10  # until an area fits into the image


class View(Protocol):
    """Which area of each image is resized."""

    @property
    def margin(self) -> int:
        """A JPEG is decoded at a part of its size if this leaves so many times the result."""
        ...

    def area(self, index: int, width: int, height: int) -> Area:
        """The area of one image.

        Args:
            index: of the image in its source.
            width, height: of the image, in pixels.
        """
        ...


@dataclass(frozen=True)
class Central:
    """The central square.

    Args:
        share: of its side in the shorter side of the image. 224 / 256 is the usual crop of 224
            pixels after the shorter side is resized to 256.

    Example:
        Central(0.875).area(0, 500, 375)
    """

    margin: ClassVar[int] = 2

    share: float

    def area(self, index: int, width: int, height: int) -> Area:
        """See `View`; the same of all images of a size."""
        side = self.share * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side


@dataclass(frozen=True)
class RandomAreas:
    """An area of any size, place and shape: "Going Deeper with Convolutions" (2014), section 6.

    Its share of the image is uniform in `scale`, the logarithm of width by height is uniform in
    that of 3/4 to 4/3, and its place is uniform. Where no such area fits in ten tries, it is the
    central one of the nearest ratio.

    Args:
        scale: the smallest and the largest share.
        seed: of the pass, 0 to 2^63 - 1.

    Example:
        RandomAreas((0.08, 1.0), seed=0).area(7, 500, 375)
    """

    margin: ClassVar[int] = 1  # what is drawn at random need not be as sharp as what is judged

    scale: tuple[float, float]
    seed: int

    def area(self, index: int, width: int, height: int) -> Area:
        """See `View`."""
        generator = np.random.Generator(np.random.Philox(key=[self.seed, index]))
        low, high = map(math.log, RATIOS)
        for _ in range(TRIES):
            pixels = width * height * generator.uniform(*self.scale)
            ratio = math.exp(generator.uniform(low, high))
            w, h = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
            if 0 < w <= width and 0 < h <= height:
                left, top = (int(generator.integers(n + 1)) for n in (width - w, height - h))
                return left, top, left + w, top + h
        w = min(width, round(height * RATIOS[1]))
        h = min(height, round(width / RATIOS[0]))
        left, top = (width - w) // 2, (height - h) // 2
        return left, top, left + w, top + h
