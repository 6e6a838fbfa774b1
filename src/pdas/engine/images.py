"""What the image sets of all tasks have in common: which images are in use, and what fits."""

from __future__ import annotations

import torch

from pdas.data import ImageSource
from pdas.errors import SettingError
from pdas.settings import ImageSettings


def drawn(source: ImageSource, count: int | None, seed: int) -> ImageSource:
    """`count` images of a source, drawn at random; None, or more than there are: all of them."""
    if count is None or count >= len(source):
        return source
    generator = torch.Generator().manual_seed(seed)
    return source.subset(torch.randperm(len(source), generator=generator)[:count])


def memory_bytes(settings: ImageSettings) -> int:
    """The memory limit in bytes."""
    return int(settings.memory_limit * 2**30)


def check_training_batch(batch_size: int, images: int, smallest: int = 1) -> None:
    """Raise `SettingError` if a batch of the retraining is larger than the training set."""
    if batch_size > images:
        raise SettingError(
            f"retrain.batch_size: found {batch_size}, expected {smallest} to {images}, the number "
            f"of training images; add --set retrain.batch_size={images} or more images"
        )
