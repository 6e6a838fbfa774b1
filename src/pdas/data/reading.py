"""From the arrays or the files of a data set to images in the form that is requested."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from pdas.data.base import GIB, Request
from pdas.data.decode import read_header
from pdas.data.disk import DiskImages
from pdas.data.files import Files
from pdas.data.images import ImageData, MemoryImages
from pdas.data.views.areas import Central
from pdas.support.errors import PdasWarning, SettingError
from pdas.support.refusals import refuse

NO_CLASSES = ("image",)
CONVERT_BATCH = 1024

Arrays = tuple[Tensor, Tensor]
"""Images as they are stored, uint8 (N, C, H, W), and labels, int64 (N,)."""


def from_arrays(
    request: Request, train: Arrays, test: Arrays, classes: Sequence[str] = NO_CLASSES
) -> ImageData:
    """Images of arrays, in memory, with another size and other channels where requested.

    Args:
        request: which form.
        train: images and labels of the training set, as they are stored.
        test: those of the test set.
        classes: the name of each label.

    Raises:
        SettingError: they need more bytes than the limit; said before they are converted.
    """
    size, channels = request.image_size, request.channels
    count, stored = len(train[0]) + len(test[0]), train[0].shape[1]
    if request.use == "restoration" and channels == 3 and stored == 1:
        _warn_of_grey(count, count)
    if size is not None:
        check_memory(request, size, count * (channels or stored) * size**2)
    first, second = (
        MemoryImages(_converted(images, size, channels), labels) for images, labels in (train, test)
    )
    return ImageData(first, second, tuple(classes))


def from_files(
    request: Request,
    train: Files,
    test: Files,
    classes: Sequence[str] = NO_CLASSES,
    notes: Sequence[str] = (),
) -> ImageData:
    """Images of files: in memory if all of them fit within the limit, else on disk.

    They stay on disk too if training takes random areas of them, which it does at their own
    resolution.

    Args:
        request: which form.
        train: files of the training set.
        test: those of the test set.
        classes: the name of each label.
        notes: what to say of the files, as which are passed over.

    Raises:
        DataError: a file is broken. Each is decoded once to see it, but for the labelled training
            images of a set on disk, which `channel_statistics` decodes.
    """
    if request.use == "restoration" and request.channels == 3:
        _warn_of_grey_files(train, test)
    first, second = (disk_images(request, files, request.workers) for files in (train, test))
    paths, said = tuple(dict.fromkeys([*train.paths, *test.paths])), tuple(notes)
    channels, height, width = first.image_shape
    if (
        not request.random_areas
        and (len(first) + len(second)) * channels * height * width <= request.memory_limit
    ):
        return ImageData(first.read(), second.read(), tuple(classes), paths, said)
    second.check()
    if request.use == "restoration":
        first.check()
    return ImageData(first, second, tuple(classes), paths, said)


def disk_images(request: Request, files: Files, workers: int) -> DiskImages:
    """Image files as a source, in the size and the channels that are requested.

    Args:
        request: which form; its size and its channels are not None.
        files: the images.
        workers: processes that decode.
    """
    size, channels = request.image_size, request.channels
    assert size and channels  # files differ: a set of files has a form without None
    labels = [0] * len(files.paths) if files.labels is None else files.labels
    return DiskImages(
        files.paths,
        torch.tensor(labels, dtype=torch.int64, device="cpu"),
        size=size,
        channels=channels,
        workers=workers,
        boxes=files.boxes,
        view=None if request.center_crop is None else Central(request.center_crop),
    )


def check_memory(request: Request, size: int, needed: int) -> None:
    """Check that a set that is kept in memory fits within the limit.

    Args:
        request: with the limit.
        size: height and width of the images, for the message.
        needed: bytes.

    Raises:
        SettingError: it does not fit.
    """
    if needed > request.memory_limit:
        refuse(
            SettingError,
            "data.image_size",
            found=f"{size}, for which {request.name} takes {needed / GIB:.1f} GiB",
            expected=f"at most {request.memory_limit / GIB:.1f} GiB",
            remedy="lower it or raise data.memory_limit",
        )


def _converted(images: Tensor, size: int | None, channels: int | None) -> Tensor:
    """uint8 (N, C, H, W) with another number of channels and another size, where asked for."""
    from torchvision.transforms.v2 import functional as T

    # Grey before it is resized, colour after: of three equal channels one is resized.
    if channels == 1 and images.shape[1] == 3:
        images = T.rgb_to_grayscale(images)
    if size is not None and images.shape[2:] != (size, size):
        parts = torch.split(images, CONVERT_BATCH)
        images = torch.cat([T.resize(part, [size, size], antialias=True) for part in parts])
    if channels == 3 and images.shape[1] == 1:
        images = images.repeat(1, 3, 1, 1)
    return images


def _warn_of_grey_files(*parts: Files) -> None:
    """Say how many of the files, each counted once, are stored in grey."""
    unique = dict.fromkeys(path for files in parts for path in files.paths)
    _warn_of_grey(sum(read_header(path).grey for path in unique), len(unique))


def _warn_of_grey(grey: int, n: int) -> None:
    if grey:
        are = "is" if grey == 1 else "are"
        text = f"data: {grey} of {n} images {are} grey; converted to colour"
        warnings.warn(text, PdasWarning, stacklevel=4)
