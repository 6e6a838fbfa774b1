"""Image files of a data set: which there are, and which part of each is used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, overload

import numpy as np

from pdas.support.errors import DataError
from pdas.support.refusals import refuse

EXTENSIONS = {
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jfif": "JPEG",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".pgm": "PPM",
    ".png": "PNG",
    ".ppm": "PPM",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""Those of image files, and the formats that they mean, in PIL's words."""

FORMATS = tuple(sorted(set(EXTENSIONS.values())))
"""All formats that are read. PIL has others: that of PostScript starts a program."""

LITTER = frozenset(("__macosx", "@eadir", "desktop.ini", "thumbs.db"))
"""What systems leave in folders, in small letters; names with a dot in front too."""

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


class Paths(Sequence[str]):
    """Many paths in one array.

    A process that decodes shares it with its parent: an object for each of a million paths would be
    copied as soon as it is looked at.

    Args:
        paths: as text.

    Example:
        Paths(["a.JPEG", "b.JPEG"])[0]
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._encoded = np.array([os.fsencode(path) for path in paths], "S")

    def __len__(self) -> int:
        return len(self._encoded)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [os.fsdecode(bytes(path)) for path in self._encoded[index]]
        return os.fsdecode(bytes(self._encoded[index]))


@dataclass(frozen=True)
class Found:
    """What there is in a folder.

    Attributes:
        images: the image files, sorted.
        others: of the files that are passed over, how many have each extension, in small letters.

    Example:
        found_in(Path("photos/cat")).images
    """

    images: list[str]
    others: Counter[str]


def found_in(folder: Path, *, below: bool = True) -> Found:
    """The files in a folder and all folders below; hidden ones and litter are left out.

    Args:
        folder: where to look. Links to folders are followed, each folder once.
        below: whether to look into the folders below, too.

    Raises:
        DataError: a folder may not be read.
    """
    found, seen = Found([], Counter()), set[tuple[int, int]]()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_refuse_folder):
        about = os.stat(parent)
        place = about.st_dev, about.st_ino
        # Not into thumbnails and other copies, and in no circle of links.
        folders[:] = sorted(filter(is_visible, folders)) if below and place not in seen else []
        for name in filter(is_visible, names) if place not in seen else ():
            extension = os.path.splitext(name)[1].lower()
            if extension in EXTENSIONS:
                found.images.append(os.path.join(parent, name))
            else:
                found.others[extension] += 1
        seen.add(place)
    found.images.sort()
    return found


def _refuse_folder(error: OSError) -> NoReturn:
    refuse(
        DataError,
        str(error.filename),
        found=f"a folder that cannot be read ({error.strerror})",
        expected="one that can",
        remedy="change who may read it, or remove it",
    )


def by_extension(others: Mapping[str, int]) -> str:
    """How many files there are of each extension, in words, the commonest first.

    Args:
        others: as in `Found`.
    """
    ordered = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {extension or 'without extension'}" for extension, count in ordered)


def is_visible(name: str) -> bool:
    """Whether a file or folder of this name is neither hidden nor the litter of a system."""
    return not name.startswith(".") and name.lower() not in LITTER


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
