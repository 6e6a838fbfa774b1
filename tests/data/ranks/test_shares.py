"""Batches that several ranks decode together are those of one process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pdas.data import disk
from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.disk import DiskImages
from pdas.data.files import found_in
from pdas.data.images import ImageSource, MemoryImages
from pdas.data.masks import MaskedBatches, find_mask
from pdas.data.ranks.shares import read_in_shares
from pdas.data.views.areas import RandomAreas
from pdas.data.views.jitter import Jitter
from pdas.data.views.standardise import Standardise
from pdas.resume.batches import ResumableBatches, in_shares
from tests.made_up_photographs import made_up_photographs

BATCH, SIZE = 10, 24
STANDARDISE = Standardise((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photographs") / "copy"
    return made_up_photographs(root, classes=3, train=10, val=2) / "train"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[int]]:
    """How often each image was decoded."""
    seen: Counter[int] = Counter()
    real: Callable[..., Tensor] = disk.read_view

    def counted(path: Any, view: Any, index: int, *form: int) -> Tensor:
        seen[index] += 1
        return real(path, view, index, *form)

    monkeypatch.setattr(disk, "read_view", counted)
    yield seen


class Rank:
    """One of several ranks, each a thread of this process."""

    def __init__(self, index: int, shares: list[Tensor], barrier: threading.Barrier) -> None:
        self.index, self.size = index, barrier.parties
        self._shares, self._barrier = shares, barrier
        self.exchanges = 0

    def stack(self, own: Tensor) -> Tensor:
        assert own.is_contiguous() and own.device.type == "cpu"
        self.exchanges += 1
        self._shares[self.index] = own
        self._barrier.wait(60)
        whole = torch.stack(self._shares)
        self._barrier.wait(60)
        return whole


def ranks_of(count: int) -> list[Any]:
    shares, barrier = [torch.empty(0)] * count, threading.Barrier(count)
    return [Rank(index, shares, barrier) for index in range(count)]


def on_each(count: int, taken: Callable[[Any], list[Any]]) -> list[list[Any]]:
    """What each rank takes."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(taken, ranks_of(count)))


def photographs(folder: Path) -> DiskImages:
    files = found_in(folder).images
    labels = torch.arange(len(files)) % 3
    return DiskImages(files, labels, size=SIZE, channels=3, workers=0)


def batches(source: ImageSource, drop_last: bool = True) -> Batches:
    generator = torch.Generator().manual_seed(3)
    augment = Augment(pad=2, flip=True, cutout=6, jitter=Jitter(0.4, 0.4, 0.4, 0.1))
    return Batches(
        source,
        BATCH,
        shuffle=generator,
        transform=TrainingTransform(STANDARDISE, augment, generator),
        drop_last=drop_last,
        area_scale=(0.2, 1.0),
    )


def same(one: list[Any], other: list[Any]) -> bool:
    """Whether batches have the same values, to the last bit, in the same order in memory."""
    tensors = [[each for batch in batches for each in batch] for batches in (one, other)]
    return all(
        torch.equal(a, b) and a.stride() == b.stride() for a, b in zip(*tensors, strict=True)
    )


@pytest.mark.parametrize("count", [2, 3])  # the latter does not divide a batch
def test_each_image_is_decoded_once_for_the_same_batches(
    count: int, folder: Path, decoded: Counter[int]
) -> None:
    source = photographs(folder).subset(torch.arange(1, 26))  # the last batch is smaller
    alone = list(batches(source, drop_last=False))
    assert sorted(decoded.values()) == 25 * [1]
    decoded.clear()
    found = on_each(count, lambda rank: list(batches(source, drop_last=False).in_shares(rank)))
    assert all(same(each, alone) for each in found)
    assert decoded.total() == {2: 26, 3: 12 + 12 + 6}[count]  # as many images on each rank


def test_a_pass_continues_where_it_was(folder: Path, decoded: Counter[int]) -> None:
    alone = ResumableBatches(batches(photographs(folder)))
    for _ in range(4):  # into the second pass of three batches
        next(alone)
    state, rest = alone.state_dict(), list(islice(alone, 4))

    def resumed(rank: Any) -> list[Any]:
        own = ResumableBatches(in_shares(batches(photographs(folder)), rank))
        own.load_state_dict(state)
        return list(islice(own, 1))

    # The generators of the transform are kept by the training, so these are at their start.
    decoded.clear()
    found = on_each(2, resumed)
    assert torch.equal(found[0][0][1], rest[0][1]) and same(found[0], found[1])
    assert decoded.total() == BATCH


def test_masks_are_drawn_for_the_whole_batch(folder: Path, decoded: Counter[int]) -> None:
    def masked() -> MaskedBatches:
        return MaskedBatches(
            batches(photographs(folder)), find_mask("pixel"), torch.Generator().manual_seed(1)
        )

    alone = list(masked())
    decoded.clear()
    found = on_each(2, lambda rank: list(in_shares(masked(), rank)))
    assert all(same(each, alone) for each in found)
    assert sorted(decoded.values()) == 30 * [1]


def test_what_is_in_memory_or_of_one_process_is_not_shared(folder: Path) -> None:
    source = MemoryImages(torch.zeros(20, 3, 8, 8, dtype=torch.uint8), torch.arange(20))
    pair, (alone,) = ranks_of(2), ranks_of(1)
    assert len(list(islice(batches(source).in_shares(pair[0]), 1))) == 1
    assert len(list(islice(batches(photographs(folder)).in_shares(alone), 1))) == 1
    assert [rank.exchanges for rank in (*pair, alone)] == [0, 0, 0]
    loader = [torch.zeros(1)]
    assert in_shares(loader, pair[0]) is loader


def test_a_source_of_areas_takes_them_by_the_index_in_the_whole(folder: Path) -> None:
    """Not by the place in a share; else ranks would see other areas than one process."""
    source, order = photographs(folder), [torch.tensor([5, 2, 9, 2])]
    areas = RandomAreas((0.2, 1.0), 7)
    (expected,) = source.batches(order, "cpu", areas)

    def taken(rank: Any) -> list[Any]:
        return list(read_in_shares(source, rank, order, "cpu", areas))

    assert all(same(each, [expected]) for each in on_each(2, taken))
