"""Image files of a data set: which there are, and which part of each is used."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pdas.support.errors import DataError
from pdas.support.refusals import refuse

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)

Box = tuple[int, int, int, int]
"""(left, top, right, bottom); the pixels at right and bottom are not in it."""


@dataclass(frozen=True)
class Files:
    """N images in files.

    Attributes:
        paths: N files; one file several times, if it has several boxes.
        boxes: the part of each that is used; None: the whole.
        labels: the class of each, from 0; None: all 0.

    Example:
        Files(["cat.png", "dog.png"], labels=[0, 1])
    """

    paths: Sequence[str]
    boxes: Sequence[Box] | None = None
    labels: Sequence[int] | None = None


def image_files(folder: Path) -> list[str]:
    """The image files in a folder and all folders below, sorted; hidden ones are left out.

    Args:
        folder: where to look; links to folders are followed.
    """
    files: list[str] = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = filter(is_visible, folders)  # not into thumbnails and other copies
        files += (
            os.path.join(parent, name)
            for name in filter(is_visible, names)
            if os.path.splitext(name)[1].lower() in EXTENSIONS
        )
    return sorted(files)


def is_visible(name: str) -> bool:
    """Whether a file or folder of this name is not hidden."""
    return not name.startswith(".")


def annotated_files(
    folder: Path, boxes: Mapping[str, Box], *, by: str | Path, expected: str
) -> Files:
    """The files in a folder that an annotation file names, with their boxes.

    Args:
        folder: holds the files.
        boxes: by file name.
        by: the annotation file, for the message.
        expected: what should be in the folder, for the message.

    Raises:
        DataError: a file is not there.
    """
    present = set(os.listdir(folder))
    if missing := [name for name in boxes if name not in present]:
        refuse(
            DataError,
            "--data-dir",
            found=f"no {missing[0]} in {folder}, one of {len(missing)} that {by} names",
            expected=expected,
            remedy="complete the folder",
        )
    return Files([str(folder / name) for name in boxes], list(boxes.values()))
