"""The two halves of the data, D_W and D_theta, as batches."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from pdas.data.splits import halves
from pdas.resume.batches import Loader
from pdas.resume.data_sets import is_data_set, refuse_arrays, shuffled_batches
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


def both_halves(
    data: Dataset[Any] | tuple[Loader, Loader], batch_size: int, seed: int
) -> tuple[Loader, Loader]:
    """The loaders of D_W and of D_theta.

    Args:
        data: a data set, which is split into random halves; or the two halves, as two data sets or
            as two loaders. Data sets are shuffled in every pass, loaders are used unchanged.
        batch_size: of the batches of data sets.
        seed: of the split and the shuffling.

    Raises:
        SettingError: the data are of another type, or a half does not fill a batch.
    """
    # One generator draws the split first, then the order of both halves.
    generator = torch.Generator().manual_seed(seed)
    if not isinstance(data, tuple):
        parts: Any = _split(data, generator)
    elif len(data) == 2 and all(map(is_data_set, data)):
        parts = data
    else:
        return _loaders(data)
    check_batch_size(batch_size, min(map(len, parts)), "batch_size")
    first, second = (shuffled_batches(part, batch_size, generator) for part in parts)
    return first, second


def _loaders(data: tuple[Loader, ...]) -> tuple[Loader, Loader]:
    refuse_arrays(data)
    sizes = [len(part) if isinstance(part, Sized) else None for part in data]
    if len(sizes) != 2 or not all(sizes):
        refuse(
            SettingError,
            "data",
            found=f"{len(sizes)} parts of {sizes} batches",
            expected="the two halves, each with a length and at least one batch",
            remedy="make a generator a list",
        )
    first, second = data
    return first, second


def _split(data: Dataset[Any], generator: torch.Generator) -> list[Subset[Any]]:
    refuse_arrays((data,))
    if not isinstance(data, Sized) or isinstance(data, DataLoader):
        refuse(
            SettingError,
            "data",
            found=type(data).__name__,
            expected="a map-style data set with a length, to be split in halves, or the two halves "
            "as a tuple of data sets or of loaders",
        )
    return [Subset(data, half.tolist()) for half in halves(len(data), generator)]


def check_batch_size(
    batch_size: int, half_size: int, argument: str = "--set search.batch_size"
) -> None:
    """Check that each half of the training data fills a batch.

    Args:
        batch_size: examples in a batch.
        half_size: examples in the smaller half.
        argument: the name under which the user sets the batch size, for the message.

    Raises:
        SettingError: the batch size is not from 1 to `half_size`.
    """
    if not 1 <= batch_size <= half_size:
        refuse(
            SettingError,
            "search.batch_size",
            found=str(batch_size),
            expected=f"1 to {half_size}, the size of a half of the training data",
            remedy=f"add {argument}={half_size} or more images" if half_size else "add images",
        )
