"""CIFAR-10: 50,000 and 10,000 colour images of ten kinds of things, 32x32, by torchvision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.support.errors import DataError
from pdas.support.refusals import refusal

if TYPE_CHECKING:
    from pdas.data.images import ImageData
    from pdas.data.reading import Arrays

HOME = "https://www.cs.toronto.edu/~kriz/cifar.html"


def read(request: Request) -> ImageData:
    """The official parts, downloaded where they are missing.

    Raises:
        DataError: the files are missing or broken and cannot be downloaded.
    """
    from torchvision.datasets import CIFAR10

    from pdas.data.reading import from_arrays

    archive = CIFAR10.filename
    root = str(request.folder(f"a folder with {archive}, or to download it into"))
    try:
        train, test = (CIFAR10(root, train, download=request.download) for train in (True, False))
    except (OSError, RuntimeError) as error:
        raise refusal(
            DataError,
            "--data-dir",
            found=f"no whole CIFAR-10 in {root}, nor could it be downloaded",
            expected=archive,
            remedy=f"put it there from {HOME}",
        ) from error
    return from_arrays(request, _arrays(train), _arrays(test), train.classes)


def _arrays(part: Any) -> Arrays:
    import torch

    images = torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor(part.targets, device="cpu")


SETS.add("cifar10", DataSet(read=read, labelled=Form()))
