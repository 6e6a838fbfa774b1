"""Equal parts of a batch."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from pdas.distributed.micro_batches import parts_of, rows_of
from pdas.support.errors import SettingError

Pair = namedtuple("Pair", "images labels")


@dataclass
class Named:
    images: Tensor


IMAGES = torch.arange(12.0).reshape(6, 2)
LABELS = torch.arange(6)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.parametrize(
    ("batch", "leaves"),
    [
        (IMAGES, lambda part: [part]),
        ((IMAGES, LABELS), lambda part: list(part)),
        ([IMAGES, [LABELS]], lambda part: [part[0], part[1][0]]),
        ({"x": IMAGES, "y": LABELS}, lambda part: [part["x"], part["y"]]),
        (Pair(IMAGES, LABELS), lambda part: [part.images, part.labels]),
        (Named(IMAGES), lambda part: [part.images]),
    ],
)
def test_parts_put_together_are_the_batch(batch: Any, leaves: Any, count: int) -> None:
    parts = parts_of(batch, count, "search.accumulate")
    assert len(parts) == count
    assert all(type(part) is type(batch) for part in parts)
    for whole, *cut in zip(leaves(batch), *map(leaves, parts), strict=True):
        assert {len(each) for each in cut} == {6 // count}
        assert torch.equal(torch.cat(cut), whole)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ((IMAGES, torch.arange(4)), "found a batch of 4 and 6 rows"),
        (torch.zeros(5, 2), "found a batch of 5 rows, expected a multiple of 2"),
        (torch.zeros(0, 2), "found a batch of 0 rows"),
        ((IMAGES, ["cat"] * 6), "found str in a batch"),
        ((IMAGES, LABELS.numpy()), "found ndarray in a batch"),
        ({"x": IMAGES, "scale": 2.0}, "found float in a batch"),
        ((IMAGES, torch.tensor(1.0)), "found Tensor in a batch"),
    ],
)
def test_what_cannot_be_cut_is_refused(batch: Any, words: str) -> None:
    with pytest.raises(SettingError, match=f"^search.accumulate: {words}.*; "):
        parts_of(batch, 2, "search.accumulate")


@pytest.mark.parametrize(
    ("batch", "rows"),
    [(IMAGES, 6), ({"y": LABELS}, 6), ((torch.tensor(1.0), IMAGES), 0), ("none", 0)],
)
def test_rows_are_those_of_the_first_tensor(batch: Any, rows: int) -> None:
    assert rows_of(batch) == rows


class OwnBatch:
    """A batch of a class that is no container."""

    def __init__(self) -> None:
        self.x = torch.zeros(4, 2)


@pytest.mark.parametrize("batch", [OwnBatch(), [OwnBatch()], {"x": (torch.zeros(4), OwnBatch())}])
def test_a_batch_of_an_own_class_is_not_run_whole_in_every_part(batch: object) -> None:
    assert parts_of(batch, 1, "search.accumulate") == [batch]
    with pytest.raises(SettingError, match=r"search\.accumulate: found OwnBatch in a batch"):
        parts_of(batch, 2, "search.accumulate")
