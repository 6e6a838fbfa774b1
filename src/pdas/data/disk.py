"""Images that stay in their files and are decoded when they are asked for.

Worker processes of a `DataLoader` only decode: which images make a batch, and how they are
augmented, is decided by the process that asks, so the number of workers changes no batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pdas.data.images import MemoryImages, Shape, Subset
from pdas.errors import DataError

READ_BATCH = 64  # images decoded at a time when a whole source is read


def read_image(path: str | Path, size: int, channels: int) -> Tensor:
    """Decode one image file as uint8 (channels, size, size).

    The image is turned as its EXIF orientation says, converted to grey (channels = 1) or RGB
    (channels = 3, transparency dropped), and resized, not cropped, by PIL's bilinear filter.

    Raises:
        DataError: the file is missing, broken or no image.
    """
    try:
        with Image.open(path) as image:
            image.draft(None, (2 * size, 2 * size))  # JPEG: skip detail that resizing would drop
            upright = ImageOps.exif_transpose(image)
            converted = _as_8_bit(upright).convert("L" if channels == 1 else "RGB")
            pixels = np.array(converted.resize((size, size), Image.Resampling.BILINEAR))
    except Exception as error:  # PIL's decoders raise nearly anything on broken files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: found no readable image ({reason}), expected a whole image file; replace or "
            "remove it"
        ) from error
    return torch.from_numpy(pixels).reshape(size, size, channels).permute(2, 0, 1).contiguous()


def _as_8_bit(image: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits, and palettes with transparency expanded."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")
    return image


class DiskImages:
    """Images decoded and resized from their files, batch by batch.

    Args:
        paths: N image files.
        labels: int64 (N,), class indices from 0.
        size: height and width, in pixels, that images are resized to.
        channels: 1 (grey) or 3 (RGB).
        workers: processes that decode; 0 decodes in the calling process. More than the CPUs at
            hand are never started.
    """

    def __init__(
        self, paths: Sequence[str], labels: Tensor, *, size: int, channels: int, workers: int
    ) -> None:
        assert len(paths) == len(labels)
        self.paths = paths
        self.labels = labels
        self.size = size
        self.channels = channels
        self.workers = workers

    @property
    def image_shape(self) -> Shape:
        return self.channels, self.size, self.size

    def __len__(self) -> int:
        return len(self.paths)

    def to(self, device: torch.device | str) -> DiskImages:
        return self

    def subset(self, indices: Tensor) -> Subset:
        return Subset(self, indices)

    def batches(
        self, order: Iterable[Tensor], device: torch.device | str = "cpu"
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """See `ImageSource.batches`. Raises DataError, naming the file, at a broken image."""
        parts = [part.tolist() for part in order]
        pin = torch.device(device).type == "cuda"
        loader = DataLoader(
            _Decoder(self),
            batch_size=None,
            sampler=parts,
            num_workers=_useful_workers(self.workers, len(parts)),
            collate_fn=_unchanged,
            pin_memory=pin,
            generator=torch.Generator(),  # the loader seeds its workers: not from the global one
        )
        for decoded in loader:
            if isinstance(decoded, DataError):
                raise decoded
            images, labels = decoded
            yield images.to(device, non_blocking=pin), labels.to(device, non_blocking=pin)

    def check(self) -> None:
        """Decode all images and keep none. Raises DataError, naming the file, at a broken one."""
        for _ in self._in_order():
            pass

    def read(self) -> MemoryImages:
        """Decode all images into one tensor. Raises DataError, naming the file, at a broken one."""
        images = torch.empty((len(self), *self.image_shape), dtype=torch.uint8)
        parts = torch.split(images, READ_BATCH)
        for part, (decoded, _) in zip(parts, self._in_order(), strict=True):
            part.copy_(decoded)
        return MemoryImages(images, self.labels)

    def _in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.batches(torch.split(torch.arange(len(self)), READ_BATCH))


Decoded = tuple[Tensor, Tensor] | DataError


class _Decoder(Dataset[Decoded]):
    """What runs in a worker: indices to a batch, or to the error that reading it met.

    The error is handed over as a value because the loader would wrap an exception in a traceback.
    """

    def __init__(self, source: DiskImages) -> None:
        self.source = source

    def __getitem__(self, indices: list[int]) -> Decoded:
        source = self.source
        try:
            images = [read_image(source.paths[i], source.size, source.channels) for i in indices]
        except DataError as error:
            return DataError(str(error))
        return torch.stack(images), source.labels[indices]


def _unchanged(decoded: Any) -> Any:
    return decoded


def _useful_workers(workers: int, batches: int) -> int:
    """At most one per CPU; none where a single batch would not repay starting one."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(workers, cpus) if batches > 1 else 0
