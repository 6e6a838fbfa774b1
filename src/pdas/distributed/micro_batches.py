"""Equal parts of a batch, for several devices, or one after the other in less memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from pdas.support.errors import SettingError

_LEAVES = (Tensor, np.ndarray, np.generic, str, bytes, int, float, complex)


def parts_of(batch: Any, count: int, setting: str) -> list[Any]:
    """So many equal parts of a batch, in order: tensors that each have a row for each example.

    The tensors may be in tuples, lists, mappings and dataclasses. Raises `SettingError`, naming
    `setting`, if the batch holds something else, or its rows cannot be shared out.
    """
    if count == 1:
        return [batch]
    rows: set[int] = set()

    def part(leaf: object, index: int) -> Tensor:
        if not isinstance(leaf, Tensor) or not leaf.ndim:
            raise SettingError(
                f"{setting}: found {type(leaf).__name__} in a batch, expected tensors with a row "
                "for each example, which can be cut in parts; set it to 1, or give such batches"
            )
        rows.add(len(leaf))
        if len(rows) > 1 or len(leaf) % count or not len(leaf):
            raise SettingError(
                f"{setting}: found a batch of {' and '.join(map(str, sorted(rows)))} rows, "
                f"expected a multiple of {count} parts; change the batch size, and leave out a "
                "smaller last batch"
            )
        size = len(leaf) // count
        return leaf[index * size : (index + 1) * size]

    return [apply_to_collection(batch, _LEAVES, part, index) for index in range(count)]


def rows_of(batch: Any) -> int:
    """How many examples a batch has, by its first tensor; 0 if it has none."""
    rows: list[int] = []
    apply_to_collection(batch, Tensor, lambda leaf: rows.append(len(leaf) if leaf.ndim else 0))
    return rows[0] if rows else 0


def check_equal_parts(
    stage: str, batch_size: int, *, ranks: int = 1, accumulate: int = 1, smallest: int = 1
) -> None:
    """Raise `SettingError` unless a batch has equal parts, one for each rank and turn of it."""
    own, rest = divmod(batch_size, ranks)
    if rest or own < smallest:
        raise SettingError(
            f"{stage}.batch_size: found {batch_size}, expected a multiple of the {ranks} devices, "
            f"with at least {smallest} for each; set it to {max(own, smallest) * ranks}, or use "
            "fewer devices"
        )
    fits = [parts for parts in range(1, own // smallest + 1) if own % parts == 0]
    if accumulate not in fits:
        raise SettingError(
            f"{stage}.accumulate: found {accumulate}, expected {' or '.join(map(str, fits))} equal "
            f"parts of the {own} examples of a batch; set it to one of them, or change "
            f"{stage}.batch_size"
        )
