"""Street View House Numbers, by torchvision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pdas.support.errors import DataError

CLASSES = tuple("0123456789")


def read_svhn(
    root: Path, download: bool = True
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], tuple[str, ...]]:
    """Its 73,257 training and 26,032 test images, uint8 (N, 3, 32, 32), with labels, and classes.

    They are read from `root`, and, if `download`, downloaded into it where they are not there.

    Raises:
        DataError: the files are missing or broken and cannot be downloaded.
    """
    from torchvision.datasets import SVHN

    try:
        train, test = (SVHN(str(root), split=part, download=download) for part in ("train", "test"))
    except (OSError, RuntimeError) as error:
        names = " and ".join(SVHN.split_list[part][1] for part in ("train", "test"))
        raise DataError(
            f"--data-dir: found no whole SVHN in {root}, nor could it be downloaded, expected "
            f"{names}; put them there from http://ufldl.stanford.edu/housenumbers"
        ) from error

    def labelled(part: SVHN) -> tuple[Tensor, Tensor]:
        images = torch.from_numpy(np.ascontiguousarray(part.data))
        return images, torch.from_numpy(part.labels)

    return labelled(train), labelled(test), CLASSES
