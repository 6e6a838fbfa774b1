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
from pdas.support.errors import DataError

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
        DataError: the folder is empty, has one class only, a class with too few images, other
            classes for the test than for training, or a broken image file. Of a folder too large
            for memory only the test files are tried here: `channel_statistics` decodes all others.
    """
    train_files, test_files, classes = _find(root, test_fraction, seed)
    train, test = (
        DiskImages(*files, size=size, channels=channels, workers=workers)
        for files in (train_files, test_files)
    )
    bytes_needed = (len(train) + len(test)) * channels * size * size
    if bytes_needed <= memory_limit:
        return ImageData(train.read(), test.read(), classes)
    test.check()
    return ImageData(train, test, classes)


def _find(root: Path, test_fraction: float, seed: int) -> Parts:
    """Files and labels for training and for the test, and the classes."""
    train, test = root / "train", root / "test"
    if not (train.is_dir() and test.is_dir()):
        whole = train if train.is_dir() and _folders(train) else root
        return _split(_classes(whole, MIN_TRAIN + MIN_TEST), test_fraction, seed)
    train_classes, test_classes = _classes(train, MIN_TRAIN), _classes(test, MIN_TEST)
    if unequal := sorted(train_classes.keys() ^ test_classes.keys()):
        raise DataError(
            f"--data-dir: found {_names(unequal)} in only one of {train} and {test}, expected the "
            "same classes in both; give both the same folders"
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
    return sorted(path for path in root.iterdir() if path.is_dir() and _visible(path.name))


def _classes(root: Path, minimum: int) -> Files:
    """The image files of each class folder in `root`, at least `minimum` in each."""
    folders = _folders(root)
    if not folders:
        raise DataError(
            f"--data-dir: found no folders in {root}, expected one for each class; put the images "
            f"of each class in {root}/CLASS"
        )
    if len(folders) == 1:
        raise DataError(
            f"--data-dir: found only one class in {root} ({folders[0].name}), expected at least "
            "two; add a folder of images for each class"
        )
    classes = {folder.name: image_files(folder) for folder in folders}
    for name, files in classes.items():
        if len(files) < minimum:
            raise DataError(
                f"--data-dir: found {len(files)} images in {root / name}, expected at least "
                f"{minimum}; add images ({' '.join(sorted(EXTENSIONS))}) or remove the folder"
            )
    return classes


def image_files(folder: Path) -> list[str]:
    """The image files in a folder and all folders below, sorted; hidden ones are passed over."""
    files: list[str] = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = filter(_visible, folders)  # not into thumbnails and other copies
        files += (
            os.path.join(parent, name)
            for name in filter(_visible, names)
            if os.path.splitext(name)[1].lower() in EXTENSIONS
        )
    return sorted(files)


def _visible(name: str) -> bool:
    return not name.startswith(".")


def _flat(classes: Files) -> Labelled:
    """All files and their labels."""
    counts = torch.tensor([len(files) for files in classes.values()])
    labels = torch.repeat_interleave(torch.arange(len(classes)), counts)
    return [path for files in classes.values() for path in files], labels


def _names(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
