"""The two halves of the data, D_W and D_theta, as batches."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from pdas.data.splits import halves
from pdas.resume.batches import Loader
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
    elif len(data) == 2 and all(map(_is_data_set, data)):
        parts = data
    else:
        return _loaders(data)
    check_batch_size(batch_size, min(map(len, parts)), "batch_size")
    first, second = (_shuffled(part, batch_size, generator) for part in parts)
    return first, second


def _loaders(data: tuple[Loader, ...]) -> tuple[Loader, Loader]:
    _refuse_tensors(data)
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
    _refuse_tensors((data,))
    if not isinstance(data, Sized) or isinstance(data, DataLoader):
        refuse(
            SettingError,
            "data",
            found=type(data).__name__,
            expected="a map-style data set with a length, to be split in halves, or the two halves "
            "as a tuple of data sets or of loaders",
        )
    return [Subset(data, half.tolist()) for half in halves(len(data), generator)]


def _shuffled(data: Dataset[Any], batch_size: int, generator: torch.Generator) -> Loader:
    tensors = _tensors(data)
    rows = data if tensors is None else _Rows(tensors)
    collate = None if tensors is None else _as_they_are
    return DataLoader(
        rows, batch_size, shuffle=True, drop_last=True, generator=generator, collate_fn=collate
    )


class _Rows(Dataset[Any]):
    """Rows of tensors, indexed by whole batches, which is much faster than one by one."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        return [tensor[indices] for tensor in self._tensors]


def _as_they_are(batch: list[Tensor]) -> list[Tensor]:
    # Defined in the module, not inside a function, so that loaders pickle for an executor.
    return batch


def _tensors(data: Dataset[Any]) -> Sequence[Tensor] | None:
    """The tensors of a `TensorDataset`, or copies of a subset of them; None of other data."""
    if type(data) is TensorDataset:
        return data.tensors
    if type(data) is Subset and type(data.dataset) is TensorDataset:
        return [tensor[list(data.indices)] for tensor in data.dataset.tensors]
    return None


def _is_data_set(data: object) -> bool:
    mapped = isinstance(data, Dataset) and not isinstance(data, IterableDataset)
    return mapped and isinstance(data, Sized)


def _refuse_tensors(parts: Sequence[object]) -> None:
    for part in parts:
        if isinstance(part, np.ndarray) or (isinstance(part, torch.Tensor) and len(parts) > 1):
            refuse(
                SettingError,
                "data",
                found=f"a {type(part).__name__} by itself",
                expected="a data set",
                remedy="pass torch.utils.data.TensorDataset(x, y)",
            )


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
