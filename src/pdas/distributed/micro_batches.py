"""Equal parts of a batch, for several devices or for less memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

_LEAVES = (Tensor, np.ndarray, np.generic, str, bytes, int, float, complex)


def parts_of(batch: Any, count: int, setting: str) -> list[Any]:
    """Equal parts of a batch, in order.

    Args:
        batch: tensors with a row for each example, also in tuples, lists, mappings, dataclasses.
        count: of parts.
        setting: that sets this number, for messages.

    Returns:
        The parts, each with the structure of the batch.

    Raises:
        SettingError: the batch has something else, or its rows cannot be divided by `count`.

    Example:
        parts_of((torch.zeros(4, 2), torch.zeros(4)), 2, "search.accumulate")
    """
    if count == 1:
        return [batch]
    unknown = _of_no_known_kind(batch)
    if unknown is not None:
        refuse(
            SettingError,
            setting,
            found=f"{type(unknown).__name__} in a batch",
            expected="tensors in tuples, lists, mappings or dataclasses, which can be cut in parts",
            remedy="set it to 1, or use such batches",
        )
    rows: set[int] = set()

    def part(leaf: object, index: int) -> Tensor:
        if not isinstance(leaf, Tensor) or not leaf.ndim:
            refuse(
                SettingError,
                setting,
                found=f"{type(leaf).__name__} in a batch",
                expected="tensors with a row for each example, which can be cut in parts",
                remedy="set it to 1, or use such batches",
            )
        rows.add(len(leaf))
        if len(rows) > 1 or len(leaf) % count or not len(leaf):
            refuse(
                SettingError,
                setting,
                found=f"a batch of {' and '.join(map(str, sorted(rows)))} rows",
                expected=f"a multiple of {count} parts",
                remedy="change the batch size, and leave out a smaller last batch",
            )
        size = len(leaf) // count
        return leaf[index * size : (index + 1) * size]

    return [apply_to_collection(batch, _LEAVES, part, index) for index in range(count)]


def _of_no_known_kind(value: Any) -> object | None:
    """Something in a batch that is no number, no text and no container that is known."""
    if value is None or isinstance(value, _LEAVES):
        return None
    if isinstance(value, Mapping):
        parts: Iterable[Any] = value.values()
    elif isinstance(value, tuple | list):
        parts = value
    elif is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
    else:
        return value  # type: ignore[no-any-return]
    return next((part for part in map(_of_no_known_kind, parts) if part is not None), None)


def rows_of(batch: Any) -> int:
    """The number of examples in a batch, by its first tensor; 0 if it has none."""
    rows: list[int] = []
    apply_to_collection(batch, Tensor, lambda leaf: rows.append(len(leaf) if leaf.ndim else 0))
    return rows[0] if rows else 0


def check_equal_parts(
    stage: str, batch_size: int, *, ranks: int = 1, accumulate: int = 1, smallest: int = 1
) -> None:
    """Check that a batch can be cut in equal parts.

    Args:
        stage: the group of the settings in a recipe, as "search".
        batch_size: examples of a batch, on all ranks together.
        ranks: processes that share a batch.
        accumulate: parts that each rank runs one after the other.
        smallest: the fewest examples of a part.

    Raises:
        SettingError: it cannot.
    """
    own, rest = divmod(batch_size, ranks)
    if rest or own < smallest:
        refuse(
            SettingError,
            f"{stage}.batch_size",
            found=str(batch_size),
            expected=f"a multiple of the {ranks} devices, with at least {smallest} for each",
            remedy=f"set it to {max(own, smallest) * ranks}, or use fewer devices",
        )
    fits = [parts for parts in range(1, own // smallest + 1) if own % parts == 0]
    if accumulate not in fits:
        refuse(
            SettingError,
            f"{stage}.accumulate",
            found=str(accumulate),
            expected=f"{' or '.join(map(str, fits))} equal parts of the {own} examples of a batch",
            remedy=f"set it to one of them, or change {stage}.batch_size",
        )
