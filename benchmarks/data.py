"""Augmentation of whole batches against torchvision's transforms applied image by image.

    python benchmarks/data.py [--threads 2] [--rounds 15]

Both sides make the same training batches of 64 (pad, crop, flip, standardise, cutout) from random
uint8 images in memory. They run in turns in one process; images per second are by the median
round, and the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T

from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.images import MemoryImages
from pdas.data.views.standardise import Standardise

IMAGES = 1280
BATCH = 64


class Cutout:
    """One square of zeros per image, as in the reference code of DeVries & Taylor (2017)."""

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[1:]
        y, x = np.random.randint(height), np.random.randint(width)
        half = self.side // 2
        image[:, max(y - half, 0) : y + half, max(x - half, 0) : x + half] = 0
        return image


class PerImage(Dataset[tuple[torch.Tensor, int]]):
    """The usual pipeline on PIL images (torchvision's first transforms: faster here than v2)."""

    def __init__(self, source: MemoryImages, standardise: Standardise, augment: Augment) -> None:
        to_pil = T.ToPILImage()
        self.images = [to_pil(image) for image in source.images]
        self.labels = source.labels.tolist()
        self.transform = T.Compose(
            [
                T.RandomCrop(source.image_shape[1], padding=augment.pad),
                T.RandomHorizontalFlip(),
                T.ToTensor(),
                T.Normalize(standardise.mean, standardise.std),
                Cutout(augment.cutout),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def sides(channels: int, size: int) -> dict[str, Callable[[], Iterator[Any]]]:
    """Each side as a function that starts one pass over the same images."""
    images = torch.randint(0, 256, (IMAGES, channels, size, size), dtype=torch.uint8)
    source = MemoryImages(images, torch.zeros(IMAGES, dtype=torch.int64))
    standardise, augment = Standardise((0.5,) * channels, (0.25,) * channels), Augment()
    ours = Batches(
        source,
        BATCH,
        shuffle=torch.Generator(),
        transform=TrainingTransform(standardise, augment, torch.Generator()),
        drop_last=True,
    )
    per_image = PerImage(source, standardise, augment)
    plain = DataLoader(per_image, BATCH, shuffle=True, drop_last=True)
    workers = DataLoader(
        per_image, BATCH, shuffle=True, drop_last=True, num_workers=2, persistent_workers=True
    )
    return {
        "pdas, by batch": ours.__iter__,
        "torchvision, per image": plain.__iter__,
        "torchvision, per image, 2 workers": workers.__iter__,
    }


def measure(channels: int, size: int, rounds: int) -> None:
    runs = sides(channels, size)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(rounds + 1):
        for name, start_pass in runs.items():
            start = time.perf_counter()
            for _ in start_pass():
                pass
            if index:  # the first round warms up, and starts the workers
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    fastest = medians["pdas, by batch"]
    for name, median in medians.items():
        print(
            f"{channels}x{size}x{size}  {name:34} {IMAGES / median:9,.0f} images/s"
            f"  {1e3 * median * BATCH / IMAGES:7.3f} ms/batch  {median / fastest:6.1f} x the time"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"batches of {BATCH}, {arguments.threads} threads, torch {torch.__version__}")
    for channels, size in ((3, 32), (1, 28)):
        measure(channels, size, arguments.rounds)


if __name__ == "__main__":
    main()
