"""Images that stay in their files and are decoded when they are asked for.

Worker processes of a `DataLoader` only decode: which images make a batch, and how they are
augmented, is decided by the process that asks, so the number of workers changes no batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from pdas.data.decode import File, read_crops, read_view
from pdas.data.files import Box
from pdas.data.images import MemoryImages, Shape, Subset, digest
from pdas.data.views.areas import RandomAreas, View
from pdas.distributed.transfer import pins
from pdas.resume.lost_workers import lost_workers_named
from pdas.support.cores import cores
from pdas.support.errors import DataError

READ_BATCH = 64  # images decoded at a time when a whole source is read


class DiskImages:
    """Images decoded and resized from their files, batch by batch; an `ImageSource`.

    Args:
        paths: N image files; the same one several times, if it has several boxes.
        labels: int64 (N,), class indices from 0.
        size: height and width, in pixels, that images are resized to.
        channels: 1 (grey) or 3 (RGB).
        workers: processes that decode, at most one for each core; 0 decodes in the calling process.
        boxes: for each file the part of the upright image that is resized; None is the whole.
        view: the area that is resized, where there are no boxes; None is the whole.

    Example:
        DiskImages(["a.png", "b.png"], torch.tensor([0, 1]), size=32, channels=3, workers=0)
    """

    def __init__(
        self,
        paths: Sequence[File],
        labels: Tensor,
        *,
        size: int,
        channels: int,
        workers: int,
        boxes: Sequence[Box] | None = None,
        view: View | None = None,
    ) -> None:
        assert len(paths) == len(labels)
        assert boxes is None or (len(boxes) == len(paths) and view is None)
        self.paths = paths
        self.labels = labels
        self.size = size
        self.channels = channels
        self.workers = workers
        self.boxes = boxes
        self.view = view

    @property
    def names(self) -> list[str]:
        """See `ImageSource.names`; each is the path within the folder that holds all files."""
        texts = list(map(str, self.paths))
        root = os.path.commonpath(list(set(map(os.path.dirname, texts))))
        return [text[len(root) :].lstrip(os.sep).replace(os.sep, "/") for text in texts]

    @property
    def image_shape(self) -> Shape:
        """(C, H, W)."""
        return self.channels, self.size, self.size

    def __len__(self) -> int:
        return len(self.paths)

    def fingerprint(self) -> str:
        """See `ImageSource`; that of the names of the files."""
        # By the names of files and folders, not by where these are kept today.
        return digest("\n".join(self.names).encode())

    def to(self, device: torch.device | str) -> DiskImages:
        """The same object, since nothing is kept in memory."""
        return self

    def subset(self, indices: Tensor) -> Subset:
        """The images `indices` (int64), in that order."""
        return Subset(self, indices)

    def batches(
        self,
        order: Iterable[Tensor],
        device: torch.device | str = "cpu",
        areas: RandomAreas | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Decode images batch by batch.

        Args:
            order: index tensors, each for one batch of n images.
            device: where the batches are put.
            areas: the area of each image, in place of the `view` of all.

        Yields:
            uint8 (n, C, H, W), channels-last in memory, and the labels, int64 (n,).

        Raises:
            DataError: an image is broken; the message names the file.
        """
        parts = [part.numpy() for part in order]
        pin = pins(device)
        loader = DataLoader(
            _Decoder(self, areas or self.view),
            batch_size=None,
            sampler=parts,
            num_workers=_useful_workers(self.workers, len(parts)),
            collate_fn=_unchanged,
            pin_memory=pin,
            generator=torch.Generator(),  # the loader seeds its workers: not from the global one
        )
        # In the order of `parts`, whichever worker is done first.
        with lost_workers_named():
            for decoded in loader:
                if isinstance(decoded, DataError):
                    raise decoded
                images, labels = decoded
                yield images.to(device, non_blocking=pin), labels.to(device, non_blocking=pin)

    def check(self) -> None:
        """Decode all images and keep none.

        Raises:
            DataError: an image is broken; the message names the file.
        """
        for _ in self._in_order():
            pass

    def read(self) -> MemoryImages:
        """Decode all images into one tensor.

        Raises:
            DataError: an image is broken; the message names the file.
        """
        images = torch.empty((len(self), *self.image_shape), dtype=torch.uint8, device="cpu")
        parts = torch.split(images, READ_BATCH)
        for part, (decoded, _) in zip(parts, self._in_order(), strict=True):
            part.copy_(decoded)
        return MemoryImages(images, self.labels, self.fingerprint(), self.names)

    def _in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.batches(torch.split(torch.arange(len(self), device="cpu"), READ_BATCH))


Decoded = tuple[Tensor, Tensor] | DataError


class _Decoder(Dataset[Decoded]):
    """What runs in a worker: indices to a batch, or to the error that reading it met.

    The error is returned as a value because the loader would wrap an exception in a traceback.
    """

    def __init__(self, source: DiskImages, view: View | None) -> None:
        self.source = source
        self.view = view

    def __getitem__(self, part: NDArray[np.int64]) -> Decoded:
        source, indices = self.source, part.tolist()
        try:
            images = [
                image
                for path, group in groupby(indices, source.paths.__getitem__)
                for image in self._read(path, list(group))
            ]
        except DataError as error:
            return DataError(str(error))
        # All channels of a pixel stay together, as networks take them: nothing is moved twice.
        # In a worker this stacks in memory that it shares, so nothing is copied for the way back.
        pixels: Tensor = default_collate([image.permute(1, 2, 0) for image in images])
        return pixels.permute(0, 3, 1, 2), source.labels[indices]

    def _read(self, path: File, indices: list[int]) -> list[Tensor]:
        """Several images of one file, which is decoded once."""
        source, view = self.source, self.view
        if view is not None:
            return [read_view(path, view, i, source.size, source.channels) for i in indices]
        boxes = source.boxes
        crops = [None if boxes is None else boxes[i] for i in indices]
        return read_crops(path, crops, source.size, source.channels)


def _unchanged(decoded: Any) -> Any:
    return decoded


def _useful_workers(workers: int, batches: int) -> int:
    """At most one per core; none where a single batch would not repay starting one."""
    return min(workers, cores()) if batches > 1 else 0
