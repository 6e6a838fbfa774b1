"""Rectangles of images: the central square, a grid of squares, squares at random.

All are in whole pixels of the upright image, the one that its EXIF orientation asks for, and lie
within it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pdas.data.files import Box, Files

if TYPE_CHECKING:
    import torch


def flat(boxes: Mapping[str, Sequence[Box]]) -> Files:
    """Several boxes of each file, file after file.

    Args:
        boxes: by the path of a file.
    """
    paths = [path for path, squares in boxes.items() for _ in squares]
    return Files(paths, [box for squares in boxes.values() for box in squares])


def center_square(width: int, height: int, size: int | None = None) -> Box:
    """The central square of an image.

    Args:
        width, height: of the image, in pixels.
        size: of the square; None: the largest that there is.
    """
    side = min(width, height) if size is None else size
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def random_squares(
    width: int, height: int, size: int, count: int, generator: torch.Generator
) -> list[Box]:
    """Squares drawn at random, independent, each with the same chance at every place.

    Args:
        width, height: of the image, in pixels.
        size: of the squares.
        count: how many.
        generator: draws all left sides first, then all tops.
    """
    import torch

    lefts, tops = (
        torch.randint(length - size + 1, (count,), generator=generator, device="cpu").tolist()
        for length in (width, height)
    )
    return [(left, top, left + size, top + size) for left, top in zip(lefts, tops, strict=True)]


def grid_squares(width: int, height: int, size: int) -> list[Box]:
    """All squares of a grid from the top left corner, row by row; none overlap.

    Args:
        width, height: of the image, in pixels.
        size: of the squares.
    """
    return [
        (left, top, left + size, top + size)
        for top in range(0, height - size + 1, size)
        for left in range(0, width - size + 1, size)
    ]


def clipped(box: Box, width: int, height: int) -> Box | None:
    """The part of a box that is in the image; None if there is none.

    Args:
        box: left, top, right and bottom.
        width, height: of the image, in pixels.
    """
    left, top, right, bottom = box
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    return (left, top, right, bottom) if left < right and top < bottom else None
