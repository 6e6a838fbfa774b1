"""Passes over memory and disk sources: what is in them, in which order, from which seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import pytest
import torch
from loading import labelled
from torch import Tensor

from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.disk import DiskImages
from pdas.data.images import ImageSource, MemoryImages
from pdas.data.views.standardise import Standardise
from pdas.support.errors import SettingError

STANDARDISE = Standardise((0.5,) * 3, (0.25,) * 3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(n: int) -> MemoryImages:
    """Images whose pixels and label are their index."""
    index = torch.arange(n)
    return MemoryImages(index.to(torch.uint8).view(n, 1, 1, 1).repeat(1, 3, 4, 4), index)


def training(source: ImageSource, seed: int, batch_size: int = 8) -> Batches:
    transform = TrainingTransform(STANDARDISE, Augment(pad=1, cutout=2), generator(seed + 1))
    return Batches(source, batch_size, shuffle=generator(seed), transform=transform, drop_last=True)


def evaluation(source: ImageSource, batch_size: int) -> Batches:
    return Batches(source, batch_size, shuffle=None, transform=STANDARDISE, drop_last=False)


def endless(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    return chain.from_iterable(repeat(batches))


def equal(first: list[tuple[Tensor, Tensor]], second: list[tuple[Tensor, Tensor]]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(x, u) and torch.equal(y, v)
        for (x, y), (u, v) in zip(first, second, strict=True)
    )


def test_evaluation_takes_every_image_in_order() -> None:
    batches = list(evaluation(numbered(20), 8))
    assert [len(y) for _, y in batches] == [8, 8, 4]
    assert len(evaluation(numbered(20), 8)) == 3
    assert torch.cat([y for _, y in batches]).tolist() == list(range(20))
    x = torch.cat([x for x, _ in batches])
    assert torch.equal(x, STANDARDISE(numbered(20).images))


def test_training_drops_the_rest_and_takes_no_image_twice() -> None:
    batches = list(training(numbered(20), seed=0))
    assert [len(y) for _, y in batches] == [8, 8] and len(training(numbered(20), 0)) == 2
    assert len(set(torch.cat([y for _, y in batches]).tolist())) == 16


def test_images_and_labels_stay_together() -> None:
    source = numbered(32)
    batches = Batches(source, 8, shuffle=generator(), transform=lambda x: x.float(), drop_last=True)
    for x, y in batches:
        assert torch.equal(x[:, 0, 0, 0].long(), y)


def test_dtypes_and_layout() -> None:
    x, y = next(iter(training(numbered(20), 0)))
    assert x.dtype == torch.float32 and y.dtype == torch.int64
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_each_pass_has_an_order_of_its_own() -> None:
    batches = training(numbered(24), 0)
    first, second = (torch.cat([y for _, y in batches]) for _ in range(2))
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(24))
    assert not torch.equal(first, second)


def test_a_pass_leaves_the_generators_where_the_next_begins() -> None:
    """So that a run goes on from generator states saved after a pass."""
    shuffle, augment = generator(1), generator(2)

    def batches() -> Batches:
        transform = TrainingTransform(STANDARDISE, Augment(pad=1), augment)
        return Batches(numbered(24), 8, shuffle=shuffle, transform=transform, drop_last=True)

    stream = endless(batches())
    list(islice(stream, 3))
    saved = shuffle.get_state(), augment.get_state()
    expected = list(islice(stream, 3))
    shuffle.set_state(saved[0])
    augment.set_state(saved[1])
    assert equal(list(batches()), expected)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_memory_and_disk_give_the_same_batches(
    make_folder: Callable[..., Path], workers: int
) -> None:
    root = make_folder("pets", {"cat": 40, "dog": 40})
    in_memory = labelled("folder", data_dir=root, image_size=8, workers=0)
    on_disk = labelled("folder", data_dir=root, image_size=8, workers=workers, memory_limit=0)
    assert isinstance(in_memory.train, MemoryImages) and isinstance(on_disk.train, DiskImages)
    part = torch.randperm(64, generator=generator(3))[:40]
    global_state = torch.get_rng_state()
    streams = [
        list(islice(endless(training(data.train.subset(part), 5)), 12))
        for data in (in_memory, on_disk)
    ]
    assert equal(*streams)
    assert not equal(streams[0], list(islice(training(in_memory.train.subset(part), 6), 12)))
    assert equal(list(evaluation(in_memory.test, 7)), list(evaluation(on_disk.test, 7)))
    assert torch.equal(torch.get_rng_state(), global_state)


def test_a_batch_that_cannot_be_filled_is_refused() -> None:
    expected = r"expected 1 to 20 \(there are 20 images\); set it within that or give more images$"
    with pytest.raises(SettingError, match=f"^batch_size: found 21, {expected}"):
        training(numbered(20), 0, batch_size=21)
    with pytest.raises(SettingError, match=f"^batch_size: found 0, {expected}"):
        evaluation(numbered(20), 0)
    assert len(evaluation(numbered(20), 21)) == 1
