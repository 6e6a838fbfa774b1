"""Rectangles of images: the central square, a grid of squares, squares at random.

All are in whole pixels of the upright image, the one that its EXIF orientation asks for, and lie
within it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pdas.support.errors import DataError

Box = tuple[int, int, int, int]
"""(left, top, right, bottom); the pixels at right and bottom are not in it."""


@dataclass(frozen=True)
class Framed:
    """Rectangles of image files: of `paths[i]` the box `boxes[i]`."""

    paths: Sequence[str]
    boxes: Sequence[Box]


def flat(boxes: Mapping[str, Sequence[Box]]) -> Framed:
    """Several boxes of each file, file after file."""
    paths = [path for path, squares in boxes.items() for _ in squares]
    return Framed(paths, [box for squares in boxes.values() for box in squares])


def center_square(width: int, height: int, size: int | None = None) -> Box:
    """The central square of `size` pixels, or the largest there is."""
    side = min(width, height) if size is None else size
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def random_squares(
    width: int, height: int, size: int, count: int, generator: torch.Generator
) -> list[Box]:
    """`count` squares of `size` pixels, each uniform over its places and apart from the others."""
    lefts, tops = (
        torch.randint(length - size + 1, (count,), generator=generator).tolist()
        for length in (width, height)
    )
    return [(left, top, left + size, top + size) for left, top in zip(lefts, tops, strict=True)]


def grid_squares(width: int, height: int, size: int) -> list[Box]:
    """All squares of a grid from the top left corner, row by row; none overlap."""
    return [
        (left, top, left + size, top + size)
        for top in range(0, height - size + 1, size)
        for left in range(0, width - size + 1, size)
    ]


def clipped(box: Box, width: int, height: int) -> Box | None:
    """The part of the box that is in the image, or None if there is none."""
    left, top, right, bottom = box
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def named(folder: Path, boxes: Mapping[str, Box], *, by: str | Path, expected: str) -> Framed:
    """The files in a folder that an annotation names, with their boxes.

    Raises DataError if one is not there; it says that `by` names it, and what was `expected`.
    """
    present = set(os.listdir(folder))
    if missing := [name for name in boxes if name not in present]:
        raise DataError(
            f"--data-dir: found no {missing[0]} in {folder}, one of {len(missing)} that {by} "
            f"names, expected {expected}; complete the folder"
        )
    return Framed([str(folder / name) for name in boxes], list(boxes.values()))
