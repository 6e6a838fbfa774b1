"""The two halves of the data, D_W and D_theta, as batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Subset

from pdas.data.splits import halves
from pdas.resume.batches import Loader
from pdas.resume.data_sets import (
    Data,
    DataSet,
    checked_loader,
    data_set,
    is_map_style,
    refuse_table,
    shuffled_batches,
)
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


def both_halves(
    data: DataSet | tuple[Data, Data],
    batch_size: int,
    seed: int,
    device: torch.device | str = "cpu",
) -> tuple[Loader, Loader]:
    """The loaders of D_W and of D_theta.

    Args:
        data: a map-style data set, which is split into random halves; or the two halves. A half
            that is a data set becomes batches, which are shuffled in every pass; a loader is used
            unchanged. `pdas.resume.data_sets` says which is which.
        batch_size: of the batches of data sets.
        seed: of the split and the shuffling.
        device: where the batches of data sets go.

    Raises:
        SettingError: the data are of another type, or a half does not fill a batch.
    """
    # One generator draws the split first, then the order of both halves.
    generator = torch.Generator().manual_seed(seed)
    parts = data if isinstance(data, tuple) else _split(data, generator)
    if len(parts) != 2:
        refuse(
            SettingError,
            "data",
            found=f"a tuple of {len(parts)}",
            expected="the two halves",
            remedy="give one data set by itself, not in a tuple; it may be a list of examples",
        )
    sets = [data_set(part) for part in parts]
    for examples in sets:
        if examples is not None:
            check_batch_size(batch_size, len(examples), "batch_size")
    first, second = (
        checked_loader(part)
        if examples is None
        else shuffled_batches(examples, batch_size, generator, device)
        for part, examples in zip(parts, sets, strict=True)
    )
    return first, second


def _split(data: Any, generator: torch.Generator) -> tuple[Subset[Any], Subset[Any]]:
    if not isinstance(data, Tensor):  # whose rows are examples
        refuse_table(data)
    if not is_map_style(data):
        refuse(
            SettingError,
            "data",
            found=type(data).__name__,
            expected="a map-style data set with a length, to be split in halves, or the two halves "
            "as a tuple of data sets or of loaders",
        )
    first, second = (Subset(data, half.tolist()) for half in halves(len(data), generator))
    return first, second


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
