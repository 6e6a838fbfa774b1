"""Image sets by name: digits, fashion-mnist, cifar10, and any folder of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from pdas.data.images import ImageData, MemoryImages
from pdas.data.sets.fashion_mnist import read_fashion_mnist
from pdas.data.sets.folder import load_folder
from pdas.data.splits import split_test
from pdas.support.errors import DataError, SettingError

GIB = 2**30
FOLDER_SIZE = 32
FOLDER_CHANNELS = 3
CONVERT_BATCH = 1024

Labelled = tuple[Tensor, Tensor]  # uint8 (N, C, H, W), int64 (N,)
NamedSet = tuple[Labelled, Labelled, tuple[str, ...]]


def load_images(
    name: str,
    *,
    data_dir: Path | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    memory_limit: int = 4 * GIB,
    workers: int = 2,
    download: bool = True,
) -> ImageData:
    """A training and a test set of square images.

    Args:
        name: "digits", "fashion-mnist", "cifar10" or "folder".
        data_dir: where the images are; not needed for "digits" and for "fashion-mnist" where
            Debian's package is installed. "cifar10" and "fashion-mnist" are downloaded into it
            where they are not there.
        image_size: height and width in pixels; None keeps those of a named set (8, 28, 32) and is
            32 for a folder.
        channels: 1 (grey) or 3 (RGB); None keeps those of a named set and is 3 for a folder.
        test_fraction: part of each class that is held out, where a set has no test part.
        seed: decides what is held out.
        memory_limit: bytes; a folder that is larger, once resized, stays on disk.
        workers: processes that decode the files of a folder.
        download: whether files may be written into `data_dir`.

    Raises:
        SettingError: a setting is out of range.
        DataError: the name is unknown, or data is missing, broken or too small.
    """
    check_settings(image_size, channels, test_fraction, workers)
    if name == "folder":
        return load_folder(
            existing_folder(data_dir, "a folder with a sub-folder of images for each class"),
            size=image_size or FOLDER_SIZE,
            channels=channels or FOLDER_CHANNELS,
            test_fraction=test_fraction,
            seed=seed,
            memory_limit=memory_limit,
            workers=workers,
        )
    readers: dict[str, Callable[[], NamedSet]] = {
        "digits": lambda: _digits(test_fraction, seed),
        "fashion-mnist": lambda: fashion_mnist(data_dir, download),
        "cifar10": lambda: _cifar10(data_dir, download),
    }
    if name not in readers:
        raise DataError(f"data.name: found {name!r}, expected one of {', '.join(readers)}, folder")
    return in_memory(name, readers[name](), image_size, channels, memory_limit)


def in_memory(
    name: str, images: NamedSet, image_size: int | None, channels: int | None, memory_limit: int
) -> ImageData:
    """A set in another size and number of channels, where asked for.

    Raises:
        SettingError: it needs more bytes than the limit; said before it is converted.
    """
    train, test, classes = images
    if image_size is not None:
        pixels = (channels or train[0].shape[1]) * image_size**2
        check_memory(name, image_size, (len(train[0]) + len(test[0])) * pixels, memory_limit)
    return ImageData(
        MemoryImages(_convert(train[0], image_size, channels), train[1]),
        MemoryImages(_convert(test[0], image_size, channels), test[1]),
        classes,
    )


def check_settings(
    image_size: int | None, channels: int | None, test_fraction: float, workers: int
) -> None:
    """Raise SettingError if a setting of `load_images` is out of range."""
    if image_size is not None and image_size < 1:
        raise SettingError(f"data.image_size: found {image_size}, expected at least 1; raise it")
    if channels not in (None, 1, 3):
        raise SettingError(
            f"data.channels: found {channels}, expected 1 (grey) or 3 (RGB); set it to one of them"
        )
    if not 0 < test_fraction < 1:
        raise SettingError(
            f"data.test_fraction: found {test_fraction}, expected more than 0 and less than 1; set "
            "it to the part of each class that is to be held out"
        )
    if workers < 0:
        raise SettingError(
            f"data.workers: found {workers}, expected at least 0; set it to 0 to start no process"
        )


def existing_folder(data_dir: Path | None, expected: str) -> Path:
    """The folder of the data. Raises DataError if none is named or it is not there."""
    if data_dir is None:
        raise DataError(f"--data-dir: found none, expected {expected}; add --data-dir DIR")
    if not data_dir.is_dir():
        raise DataError(
            f"--data-dir: found no folder {data_dir}, expected {expected}; name another or make it"
        )
    return data_dir


def check_memory(name: str, size: int, needed: int, memory_limit: int) -> None:
    """Raise SettingError if a set that is kept in memory needs more bytes than the limit."""
    if needed > memory_limit:
        raise SettingError(
            f"data.image_size: found {size}, for which {name} takes {needed / GIB:.1f} GiB, "
            f"expected at most {memory_limit / GIB:.1f} GiB; lower it or raise data.memory_limit"
        )


def fashion_mnist(data_dir: Path | None, download: bool) -> NamedSet:
    """See `read_fashion_mnist`. Raises DataError also if a folder is named that is not there."""
    expected = "a folder with Fashion-MNIST, or to download it into"
    return read_fashion_mnist(data_dir and existing_folder(data_dir, expected), download)


def _digits(test_fraction: float, seed: int) -> NamedSet:
    """scikit-learn's 1,797 grey images 8x8, values 0..16 brought to 0..255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(digits.target).to(torch.int64)
    train, test = split_test(labels, test_fraction, seed)
    classes = tuple(str(name) for name in digits.target_names)
    return (images[train], labels[train]), (images[test], labels[test]), classes


def _cifar10(data_dir: Path | None, download: bool) -> NamedSet:
    """CIFAR-10 as torchvision stores it in `data_dir`, downloaded into it where it can be."""
    from torchvision.datasets import CIFAR10

    archive = CIFAR10.filename
    root = str(existing_folder(data_dir, f"a folder with {archive}, or to download it into"))
    try:
        train, test = (CIFAR10(root, train=part, download=download) for part in (True, False))
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"--data-dir: found no whole CIFAR-10 in {root}, nor could it be downloaded, expected "
            f"{archive}; put it there from https://www.cs.toronto.edu/~kriz/cifar.html"
        ) from error

    def labelled(part: CIFAR10) -> Labelled:
        return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(
            part.targets
        )

    return labelled(train), labelled(test), tuple(train.classes)


def _convert(images: Tensor, size: int | None, channels: int | None) -> Tensor:
    """uint8 (N, C, H, W) with another number of channels and another size, where asked for."""
    from torchvision.transforms.v2 import functional as T

    if channels == 1 and images.shape[1] == 3:
        images = T.rgb_to_grayscale(images)
    if size is not None and images.shape[2:] != (size, size):
        parts = torch.split(images, CONVERT_BATCH)
        images = torch.cat([T.resize(part, [size, size], antialias=True) for part in parts])
    if channels == 3 and images.shape[1] == 1:
        images = images.repeat(1, 3, 1, 1)
    return images
