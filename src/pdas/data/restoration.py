"""Image sets for inpainting by name: photos, fashion-mnist, svhn, celeba, cars, and any folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import torch

from pdas.data.datasets import (
    GIB,
    NamedSet,
    check_memory,
    check_settings,
    existing_folder,
    fashion_mnist,
    in_memory,
)
from pdas.data.decode import read_header
from pdas.data.disk import DiskImages
from pdas.data.frames import Framed
from pdas.data.images import ImageData
from pdas.data.sets import cars, celeba, photos
from pdas.data.sets.svhn import read_svhn
from pdas.data.sets.unlabelled import find_unlabelled
from pdas.support.errors import DataError, PdasWarning, SettingError

NAMES = ("photos", "fashion-mnist", "svhn", "celeba", "cars", "folder")
IMAGE_SIZE = 64
FASHION_MNIST_SIZE = 32
CROPPED = ("photos", "folder")  # the sets that take a number of crops
NO_CLASSES = ("image",)


def load_restoration_images(
    name: str,
    *,
    data_dir: Path | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    crops: int | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    memory_limit: int = 4 * GIB,
    workers: int = 2,
    download: bool = True,
) -> ImageData:
    """A training and a test set of square images to be restored.

    "photos", "fashion-mnist" and "svhn" have labels, the first those of the photographs; of the
    others all labels are 0. In colour, images that are stored in grey are converted, of which a
    PdasWarning says how many.

    Args:
        name: one of `NAMES`.
        data_dir: where the images are; see `celeba`, `cars` and `unlabelled` for their layouts.
            "photos" needs none, nor does "fashion-mnist" where Debian's package is installed.
            "svhn" and "fashion-mnist" are downloaded into it where they are not there.
        image_size: height and width in pixels; None is 64, and 32 for "fashion-mnist".
        channels: 1 (grey) or 3 (RGB); None is 3, and 1 for "fashion-mnist".
        crops: squares drawn from each training image at its own resolution; None is 400 for
            "photos", and for a folder the central square of each image, resized. Other sets have
            none.
        test_fraction: part of a folder that is held out, where it has no test part.
        seed: draws the crops and what is held out.
        memory_limit: bytes; "celeba", "cars" and a folder stay on disk if they are larger, once
            resized.
        workers: processes that decode files.
        download: whether files may be written into `data_dir`.

    Raises:
        SettingError: a setting is out of range.
        DataError: the name is unknown, or data is missing, broken or too small. All files are
            decoded once to see that they are whole, but for what torchvision has checked.
    """
    check_settings(image_size, channels, test_fraction, workers)
    _check_crops(name, crops)
    size = image_size or (FASHION_MNIST_SIZE if name == "fashion-mnist" else IMAGE_SIZE)
    if name == "fashion-mnist":
        images = fashion_mnist(data_dir, download)
        _warn_of_grey_set(images, channels)
        return in_memory(name, images, size, channels, memory_limit)
    if name == "svhn":
        root = existing_folder(data_dir, "a folder with SVHN, or to download it into")
        return in_memory(name, read_svhn(root, download), size, channels, memory_limit)
    if name == "photos":
        return _photos(size, channels or 3, crops or photos.CROPS, seed, memory_limit)
    if name == "celeba":
        parts = celeba.find_celeba(existing_folder(data_dir, f"CelebA: {celeba.LAYOUT}"))
    elif name == "cars":
        parts = cars.find_cars(existing_folder(data_dir, f"Stanford Cars: {cars.LAYOUT}"))
    else:
        parts = find_unlabelled(
            existing_folder(data_dir, "a folder of images"),
            size=size,
            crops=crops,
            test_fraction=test_fraction,
            seed=seed,
        )
    return _from_files(parts, size, channels or 3, memory_limit, workers)


def _check_crops(name: str, crops: int | None) -> None:
    """Raise DataError for an unknown name, SettingError for crops that it does not have."""
    if name not in NAMES:
        raise DataError(f"data.name: found {name!r}, expected one of {', '.join(NAMES)}")
    if crops is not None and name not in CROPPED:
        raise SettingError(
            f"data.crops: found {crops} for {name}, expected none but for {' and '.join(CROPPED)}; "
            "leave it out"
        )
    if crops is not None and crops < 1:
        raise SettingError(
            f"data.crops: found {crops}, expected at least 1; raise it or leave it out"
        )


def _photos(size: int, channels: int, crops: int, seed: int, memory_limit: int) -> ImageData:
    check_memory("photos", size, len(photos.TRAIN) * crops * channels * size**2, memory_limit)
    train, test = (
        DiskImages(
            part.paths,
            torch.tensor([photos.photograph(path) for path in part.paths]),
            size=size,
            channels=channels,
            workers=0,  # some 40 files to decode
            boxes=part.boxes,
        ).read()
        for part in photos.find_photos(size, crops, seed)
    )
    return ImageData(train, test, photos.CLASSES)


def _from_files(
    parts: tuple[Framed, Framed], size: int, channels: int, memory_limit: int, workers: int
) -> ImageData:
    """Images without classes, in memory if all of them fit; every file is decoded once."""
    if channels == 3:
        _warn_of_grey_files(path for part in parts for path in part.paths)
    train, test = (
        DiskImages(
            part.paths,
            torch.zeros(len(part.paths), dtype=torch.int64),
            size=size,
            channels=channels,
            workers=workers,
            boxes=part.boxes,
        )
        for part in parts
    )
    if (len(train) + len(test)) * channels * size**2 <= memory_limit:
        return ImageData(train.read(), test.read(), NO_CLASSES)
    for images in (test, train):
        images.check()
    return ImageData(train, test, NO_CLASSES)


def _warn_of_grey_files(paths: Iterable[str]) -> None:
    """Say how many of the files, each counted once, are stored in grey."""
    unique = dict.fromkeys(paths)
    _warn(sum(read_header(path).grey for path in unique), len(unique))


def _warn_of_grey_set(images: NamedSet, channels: int | None) -> None:
    train, test, _ = images
    if channels == 3 and train[0].shape[1] == 1:
        n = len(train[0]) + len(test[0])
        _warn(n, n)


def _warn(grey: int, n: int) -> None:
    if grey:
        are = "is" if grey == 1 else "are"
        text = f"data: {grey} of {n} images {are} grey; converted to colour"
        warnings.warn(text, PdasWarning, stacklevel=4)
