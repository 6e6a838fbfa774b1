"""Data sets as batches, in a random order in every pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from pdas.resume.batches import Loader
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


def is_data_set(data: object) -> bool:
    """Whether data are a map-style data set, of which batches are made; others are batches."""
    mapped = isinstance(data, Dataset) and not isinstance(data, IterableDataset)
    return mapped and isinstance(data, Sized)


def refuse_arrays(parts: Sequence[object]) -> None:
    """Refuse arrays in the place of data sets, which would be taken for batches.

    Args:
        parts: of the data.

    Raises:
        SettingError: one is an array, or one of several is a tensor.
    """
    for part in parts:
        if isinstance(part, np.ndarray) or (isinstance(part, torch.Tensor) and len(parts) > 1):
            refuse(
                SettingError,
                "data",
                found=f"a {type(part).__name__} by itself",
                expected="a data set",
                remedy="pass torch.utils.data.TensorDataset(x, y)",
            )


def shuffled_batches(data: Dataset[Any], batch_size: int, generator: torch.Generator) -> Loader:
    """The batches of a data set, in another order in every pass; examples left over are dropped.

    Args:
        data: a map-style data set.
        batch_size: examples in a batch, at most as many as there are.
        generator: draws the order.
    """
    rows, collate = _rows(data)
    return DataLoader(
        rows, batch_size, shuffle=True, drop_last=True, generator=generator, collate_fn=collate
    )


def ordered_batches(data: Dataset[Any], batch_size: int) -> Loader:
    """The batches of a data set in its own order, the last one smaller if need be.

    Args:
        data: a map-style data set.
        batch_size: examples in a batch.
    """
    rows, collate = _rows(data)
    return DataLoader(rows, batch_size, collate_fn=collate)


def _rows(data: Dataset[Any]) -> tuple[Dataset[Any], Callable[[list[Any]], Any] | None]:
    """What a loader indexes, and how it makes a batch; None: as torch does."""
    tensors = _tensors(data)
    return (data, None) if tensors is None else (_Rows(tensors), _as_they_are)


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
    if type(data) is Subset and (tensors := _tensors(data.dataset)) is not None:
        return [tensor[list(data.indices)] for tensor in tensors]
    return None
