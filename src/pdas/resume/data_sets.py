"""Data sets as batches, in a random order in every pass; and what else gives batches.

What has `__getitem__` and `__len__` is a map-style data set, whatever it inherits from: also a list
of examples. An `IterableDataset` of torch with a length has examples too, in its own order. What
else can be iterated and has a length is a loader, as torch's `DataLoader`: it has batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeAlias

import numpy as np
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    default_collate,
)

from pdas.distributed.transfer import pinned, pins
from pdas.resume.batches import Loader
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


class Examples(Protocol):
    """A map-style data set, of any class."""

    def __getitem__(self, index: Any, /) -> Any: ...

    def __len__(self) -> int: ...


DataSet: TypeAlias = Dataset[Any] | Examples
Data: TypeAlias = DataSet | Loader


def is_map_style(data: object) -> bool:
    """Whether data are examples that an index gives."""
    if isinstance(data, DataLoader | IterableDataset) or not hasattr(data, "__getitem__"):
        return False
    return _length(data) is not None


def data_set(data: Data, setting: str = "data") -> Examples | None:
    """The examples of which batches are made; None for what has batches.

    Args:
        data: a set or a loader.
        setting: the argument, for the message.

    Raises:
        SettingError: it is an array or another table, or it has no examples.
    """
    refuse_table(data, setting)
    iterable = isinstance(data, IterableDataset) and _length(data) is not None
    if not iterable and not is_map_style(data):
        return None
    if not _length(data):
        refuse(
            SettingError,
            setting,
            found=f"{type(data).__name__} without examples",
            expected="at least one",
        )
    return data  # type: ignore[return-value]


def _length(data: Any) -> int | None:
    """None if there is none, also where `__len__` says so by an error."""
    try:
        return len(data)
    except (TypeError, NotImplementedError):
        return None


def refuse_table(data: object, setting: str = "data") -> None:
    """Refuse an array, a tuple of arrays, a mapping or a table: columns, by an index no example.

    Args:
        data: in the place of a data set or a loader.
        setting: the argument, for the message.

    Raises:
        SettingError: it is one.
    """
    for part in data if isinstance(data, tuple) else (data,):
        if isinstance(part, np.ndarray | Tensor | Mapping | str) or hasattr(part, "iloc"):
            refuse(
                SettingError,
                setting,
                found=f"a {type(part).__name__} by itself",
                expected="a data set",
                remedy="pass torch.utils.data.TensorDataset(x, y)",
            )


def checked_loader(data: Any, setting: str = "data") -> Loader:
    """What is no data set, as a loader.

    Args:
        data: gives batches.
        setting: the argument, for the message.

    Raises:
        SettingError: it cannot be iterated, or has no length or no batch.
    """
    size = _length(data)
    if size is None:
        _refuse_loader(setting, f"{type(data).__name__} without a length")
    if size == 0:
        _refuse_loader(setting, f"{type(data).__name__} of 0 batches")
    if not isinstance(data, Iterable):
        _refuse_loader(setting, f"{type(data).__name__}, which gives neither examples nor batches")
    return data  # type: ignore[return-value]


def _refuse_loader(setting: str, found: str) -> NoReturn:
    refuse(
        SettingError,
        setting,
        found=found,
        expected="a data set with __getitem__ and __len__, or batches with a length, as a "
        "DataLoader has them",
        remedy="for a list of batches pass torch.utils.data.DataLoader(batches, batch_size=None)",
    )


def shuffled_batches(
    data: Examples,
    batch_size: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> Loader:
    """The batches of a data set, in another order in every pass; examples left over are dropped.

    Args:
        data: a map-style data set; or an iterable one, which keeps its own order.
        batch_size: examples in a batch, at most as many as there are.
        generator: draws the order.
        device: where the batches go.
    """
    rows, collate = _rows(data, device)
    return DataLoader(
        rows,
        batch_size,
        shuffle=None if isinstance(data, IterableDataset) else True,
        drop_last=True,
        generator=generator,
        collate_fn=collate,
    )


def ordered_batches(data: Examples, batch_size: int, device: torch.device | str = "cpu") -> Loader:
    """The batches of a data set in its own order, the last one smaller if need be.

    Args:
        data: the set.
        batch_size: examples in a batch.
        device: where the batches go.
    """
    rows, collate = _rows(data, device)
    return DataLoader(rows, batch_size, collate_fn=collate)


def _rows(
    data: Any, device: torch.device | str
) -> tuple[Dataset[Any], Callable[[list[Any]], Any] | None]:
    """What a loader indexes, and how it makes a batch for a device; None: as torch does."""
    tensors = _tensors(data)
    if tensors is None:
        return data, (_pinned if pins(device) else None)
    return Rows(tensors), (_as_they_are_pinned if pins(device) else _as_they_are)


class Rows(Dataset[Any]):
    """Rows of tensors, indexed by whole batches, which is much faster than one by one.

    Args:
        tensors: of equal lengths.

    Example:
        Rows([x, y]).__getitems__([0, 3])  # [x[[0, 3]], y[[0, 3]]]
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        return [tensor[indices] for tensor in self._tensors]


# Defined in the module, not inside a function, so that loaders pickle for an executor. `pin_memory`
# of a loader would refuse examples that are on a GPU already.
def _as_they_are(batch: list[Tensor]) -> list[Tensor]:
    return batch


def _as_they_are_pinned(batch: list[Tensor]) -> list[Tensor]:
    return list(map(pinned, batch))


def _pinned(examples: list[Any]) -> Any:
    return apply_to_collection(default_collate(examples), Tensor, pinned)


def _tensors(data: Any) -> Sequence[Tensor] | None:
    """The tensors of a `TensorDataset`, or copies of a subset of them; None of other data."""
    if type(data) is TensorDataset:
        return data.tensors
    if type(data) is Subset and (tensors := _tensors(data.dataset)) is not None:
        return [tensor[list(data.indices)] for tensor in tensors]
    return None
