"""Street View House Numbers: 73,257 and 26,032 colour images, 32x32, by torchvision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pdas.data.base import SETS, DataSet, Form, Request
from pdas.support.errors import DataError
from pdas.support.refusals import refusal

if TYPE_CHECKING:
    from pdas.data.images import ImageData
    from pdas.data.reading import Arrays

CLASSES = tuple("0123456789")
HOME = "http://ufldl.stanford.edu/housenumbers"


def read(request: Request) -> ImageData:
    """The official parts, downloaded where they are missing, with their labels.

    Raises:
        DataError: the files are missing or broken and cannot be downloaded.
    """
    from torchvision.datasets import SVHN

    from pdas.data.reading import from_arrays

    root = str(request.folder("a folder with SVHN, or to download it into"))
    try:
        train, test = (SVHN(root, part, download=request.download) for part in ("train", "test"))
    except (OSError, RuntimeError) as error:
        files = " and ".join(SVHN.split_list[part][1] for part in ("train", "test"))
        raise refusal(
            DataError,
            "--data-dir",
            found=f"no whole SVHN in {root}, nor could it be downloaded",
            expected=files,
            remedy=f"put them there from {HOME}",
        ) from error
    return from_arrays(request, _arrays(train), _arrays(test), CLASSES)


def _arrays(part: Any) -> Arrays:
    import numpy as np
    import torch

    return torch.from_numpy(np.ascontiguousarray(part.data)), torch.from_numpy(part.labels)


SETS.add("svhn", DataSet(read=read, restoration=Form(64)))
