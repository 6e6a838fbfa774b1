"""Any folder of images, a sub-folder for each class.

Either `DIR/<class>/*.png`, of which a test part is split off, or `DIR/train/<class>/*.png` and
`DIR/test/<class>/*.png`. Classes are the names of the folders in alphabetical order.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pdas.data.disk import DiskImages
from pdas.data.images import ImageData
from pdas.data.splits import split_test
from pdas.errors import DataError

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)
MIN_TRAIN = 2  # of each class: one for either half
MIN_TEST = 1

Files = dict[str, list[str]]  # class name to its image files, both sorted
Labelled = tuple[Sequence[str], Tensor]  # files, and the index of the class of each, int64
Parts = tuple[Labelled, Labelled, tuple[str, ...]]  # training, test, classes


def load_folder(
    root: Path,
    *,
    size: int,
    channels: int,
    test_fraction: float,
    seed: int,
    memory_limit: int,
    workers: int,
) -> ImageData:
    """Training and test images of a folder, in memory if all of them fit in `memory_limit` bytes.

    Raises:
        DataError: the folder is missing or empty, has one class only, a class with too few
            images, other classes for the test than for training, or (at once if the images fit
            in memory, else when it is read) a broken image file.
    """
    train_files, test_files, classes = _find(root, test_fraction, seed)
    train, test = (
        DiskImages(*files, size=size, channels=channels, workers=workers)
        for files in (train_files, test_files)
    )
    bytes_needed = (len(train) + len(test)) * channels * size * size
    if bytes_needed > memory_limit:
        return ImageData(train, test, classes)
    return ImageData(train.read(), test.read(), classes)


def _find(root: Path, test_fraction: float, seed: int) -> Parts:
    """Files and labels for training and for the test, and the classes."""
    if not root.is_dir():
        raise DataError(f"no folder {root}: name one that holds a folder of images for each class")
    train, test = root / "train", root / "test"
    if not (train.is_dir() and test.is_dir()):
        whole = train if train.is_dir() and _folders(train) else root
        return _split(_classes(whole, MIN_TRAIN + MIN_TEST), test_fraction, seed)
    train_classes, test_classes = _classes(train, MIN_TRAIN), _classes(test, MIN_TEST)
    if unequal := sorted(train_classes.keys() ^ test_classes.keys()):
        raise DataError(
            f"{train} and {test} hold different classes, only one of them has "
            f"{_names(unequal)}: give both the same folders"
        )
    return _flat(train_classes), _flat(test_classes), tuple(train_classes)


def _split(classes: Files, test_fraction: float, seed: int) -> Parts:
    paths, labels = _flat(classes)
    train, test = (
        ([paths[i] for i in part.tolist()], labels[part])
        for part in split_test(labels, test_fraction, seed)
    )
    return train, test, tuple(classes)


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def _classes(root: Path, minimum: int) -> Files:
    """The image files of each class folder in `root`, at least `minimum` in each."""
    folders = _folders(root)
    if not folders:
        raise DataError(f"no class folders in {root}: put the images of each class in {root}/CLASS")
    if len(folders) == 1:
        raise DataError(
            f"only one class in {root} ({folders[0].name}): give a folder for each of at least two"
        )
    classes = {folder.name: _image_files(folder) for folder in folders}
    for name, files in classes.items():
        if len(files) < minimum:
            raise DataError(
                f"{len(files)} images in {root / name}, at least {minimum} are needed: add "
                f"images ({' '.join(sorted(EXTENSIONS))}) or remove the folder"
            )
    return classes


def _image_files(folder: Path) -> list[str]:
    return sorted(
        os.path.join(parent, name)
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
        if os.path.splitext(name)[1].lower() in EXTENSIONS and name[0] != "."
    )


def _flat(classes: Files) -> Labelled:
    """All files and their labels."""
    counts = torch.tensor([len(files) for files in classes.values()])
    labels = torch.repeat_interleave(torch.arange(len(classes)), counts)
    return [path for files in classes.values() for path in files], labels


def _names(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
