"""What the image sets of all tasks have in common: which images are in use, and what fits."""

from __future__ import annotations

import torch

from pdas.data import ImageSource, halves
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


def search_halves(
    source: ImageSource, batch_size: int, generator: torch.Generator
) -> tuple[ImageSource, ImageSource]:
    """D_W and D_theta, random halves of the training images, each with a batch at least.

    Raises `SettingError` if the batch is larger than a half.
    """
    first, second = halves(len(source), generator)
    check_batch_size(batch_size, len(first))
    return source.subset(first), source.subset(second)


def check_batch_size(
    batch_size: int, half_size: int, argument: str = "--set search.batch_size"
) -> None:
    """Raise SettingError if a half of the training data does not fill one batch.

    `argument` is how the batch size is given, for the remedy in the message.
    """
    if not 1 <= batch_size <= half_size:
        remedy = f"add {argument}={half_size} or more images" if half_size else "add images"
        raise SettingError(
            f"search.batch_size: found {batch_size}, expected 1 to {half_size}, the number of "
            f"images in a half of the training data; {remedy}"
        )


def check_training_batch(batch_size: int, images: int, smallest: int = 1) -> None:
    """Raise `SettingError` if a batch of the retraining is larger than the training set."""
    if batch_size > images:
        raise SettingError(
            f"retrain.batch_size: found {batch_size}, expected {smallest} to {images}, the number "
            f"of training images; add --set retrain.batch_size={images} or more images"
        )
