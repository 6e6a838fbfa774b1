"""Batches from wherever a checkpoint has left them are those that would have followed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.disk import DiskImages
from pdas.data.images import ImageSource, MemoryImages
from pdas.data.masks import MaskedBatches, find_mask
from pdas.data.views.standardise import Standardise
from pdas.resume.batches import Loader, ResumableBatches
from pdas.support.random_state import random_state, set_random_state

N, BATCH = 11, 3
STEPS = 11  # more than two passes


def images(folder: Path, workers: int) -> DiskImages:
    rng = np.random.default_rng(0)
    paths = [str(folder / f"{i}.png") for i in range(N)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    return DiskImages(paths, torch.arange(N), size=8, channels=3, workers=workers)


def batches(source: ImageSource, drop_last: bool = True) -> Batches:
    generator = torch.Generator().manual_seed(5)
    unit = Standardise((0.0,) * 3, (1.0,) * 3)
    transform = TrainingTransform(unit, Augment(pad=1, flip=True, cutout=2), generator)
    return Batches(source, BATCH, shuffle=generator, transform=transform, drop_last=drop_last)


class Noisy(Dataset[tuple[Tensor, Tensor]]):
    """Draws from the global generators of numpy and torch for every sample."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.tensor(index), torch.rand(()) + float(np.random.rand())


def memory(folder: Path) -> Loader:
    return batches(images(folder, 0).read())


def masked(folder: Path) -> Loader:
    inner = batches(images(folder, 0).read(), drop_last=False)
    assert inner.shuffle is not None
    return MaskedBatches(inner, find_mask("pixel"), inner.shuffle)


def in_order(folder: Path) -> Loader:
    plain = MemoryImages(torch.arange(N * 3).view(N, 3, 1, 1).byte(), torch.arange(N))
    unit = Standardise((0.0,) * 3, (1.0,) * 3)
    return Batches(plain, BATCH, shuffle=None, transform=unit, drop_last=False)


def plain(folder: Path, **options: Any) -> Loader:
    data = TensorDataset(torch.arange(N), torch.arange(N) * 2)
    return DataLoader(data, BATCH, **options)


LOADERS: dict[str, Callable[[Path], Loader]] = {
    "memory": memory,
    "disk": lambda folder: batches(images(folder, 0)),
    "disk with workers": lambda folder: batches(images(folder, 2)),
    "masked": masked,
    "in order": in_order,
    "DataLoader": lambda folder: plain(folder, shuffle=True),
    "DataLoader with a generator": lambda folder: plain(
        folder, shuffle=True, generator=torch.Generator().manual_seed(2)
    ),
    "DataLoader with a sampler": lambda folder: plain(
        folder, sampler=RandomSampler(range(N), generator=torch.Generator().manual_seed(2))
    ),
    "DataLoader with a batch sampler": lambda folder: DataLoader(
        TensorDataset(torch.arange(N)),
        batch_sampler=BatchSampler(
            RandomSampler(range(N), generator=torch.Generator().manual_seed(2)), BATCH, False
        ),
    ),
    "DataLoader with workers": lambda folder: plain(folder, shuffle=True, num_workers=1),
    "DataLoader that draws": lambda folder: DataLoader(Noisy(), BATCH, shuffle=True),
}


def taken(stream: ResumableBatches) -> list[list[float]]:
    """A batch, with draws in between as a dropout layer does."""
    batch = next(stream)
    return [torch.as_tensor(part).flatten().tolist() for part in batch] + [torch.rand(2).tolist()]


@pytest.mark.parametrize("name", LOADERS)
def test_a_stream_goes_on_at_every_position(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    stream = ResumableBatches(LOADERS[name](tmp_path))
    expected, states = [], []
    for _ in range(STEPS):
        states.append((stream.state_dict(), random_state(stream.generators)))
        expected.append(taken(stream))
    assert expected[: len(stream)] != expected[len(stream) : 2 * len(stream)]
    for position in range(STEPS):
        torch.manual_seed(99)
        np.random.seed(99)
        file = io.BytesIO()
        torch.save(states[position], file)
        file.seek(0)
        state, generators = torch.load(file, weights_only=True)
        again = ResumableBatches(LOADERS[name](tmp_path))
        again.load_state_dict(state)
        set_random_state(generators, again.generators)
        assert [taken(again) for _ in range(STEPS - position)] == expected[position:]


def test_what_has_no_passes_begins_them_anew() -> None:
    class Letters:
        def __len__(self) -> int:
            return 3

        def __iter__(self) -> Any:
            return iter("abc")

    stream = ResumableBatches(Letters())
    assert "".join(next(stream) for _ in range(8)) == "abcabcab"
    again = ResumableBatches(Letters())
    again.load_state_dict(stream.state_dict())
    assert next(again) == "c"


def test_a_pass_of_another_length_is_refused() -> None:
    state = ResumableBatches([1, 2, 3]).state_dict()
    with pytest.raises(ValueError, match="a pass had 3 batches, and now has 2"):
        ResumableBatches([1, 2]).load_state_dict(state)
