"""What a labelled set of images is to the rest of the project.

An `ImageSource` hands out uint8 images by index, a batch at a time, and knows nothing of shuffling,
augmentation or standardisation: those are the work of `Batches` and of its transform. Images that
fit in memory are one tensor (`MemoryImages`, here); those that do not are read from their files
(`DiskImages`). A part of either is a `Subset`, which copies no image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from pdas.data.views.areas import RandomAreas
from pdas.distributed.transfer import moved
from pdas.support.errors import DataError
from pdas.support.refusals import refuse

Shape = tuple[int, int, int]


class ImageSource(Protocol):
    """N labelled images of one shape (C, H, W), uint8 values 0..255."""

    @property
    def labels(self) -> Tensor:
        """Class indices, int64 (N,), on the CPU."""
        ...

    @property
    def names(self) -> Sequence[str] | None:
        """A name for each image, as the path of its file in the folder; None if they have none."""
        ...

    @property
    def image_shape(self) -> Shape:
        """(C, H, W)."""
        ...

    def __len__(self) -> int: ...

    def fingerprint(self) -> str:
        """A text that tells which images of a set these are, or were drawn from.

        It is the same however they are resized, converted, or moved to another folder.
        """
        ...

    def to(self, device: torch.device | str) -> ImageSource:
        """The same images kept on a device, where they are kept at all. Use it before `subset`.

        Args:
            device: as torch names it.
        """
        ...

    def subset(self, indices: Tensor) -> ImageSource:
        """Some of the images.

        Args:
            indices: int64 (n,), of the images, in the order that they shall have.
        """
        ...

    def batches(
        self,
        order: Iterable[Tensor],
        device: torch.device | str = "cpu",
        areas: RandomAreas | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The images in batches.

        Args:
            order: index tensors, each for one batch of n images.
            device: where the batches are put.
            areas: the area of each image that is resized to the shape of all; None: as they are.

        Yields:
            uint8 (n, C, H, W) and the labels, int64 (n,).
        """
        ...


@dataclass(frozen=True)
class ImageData:
    """A training and a test set of the same classes and image shape.

    Attributes:
        train: training images.
        test: test images.
        classes: the name of each label.
        files: those that they come from; none if from none, or if they are too many to look at.
        notes: what to say of the files, a line each.
        statistics: the means and the standard deviations of the channels, in units of [0, 1], that
            are used with this set; None: those of the training images.

    Raises:
        DataError: the two have images of different shapes.

    Example:
        ImageData(MemoryImages(images, labels), MemoryImages(others, their_labels), ("cat", "dog"))
    """

    train: ImageSource
    test: ImageSource
    classes: tuple[str, ...]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def __post_init__(self) -> None:
        if self.train.image_shape != self.test.image_shape:
            refuse(
                DataError,
                "test images",
                found=f"shape {self.test.image_shape}",
                expected=f"{self.train.image_shape} (channels, height, width), as for training",
                remedy="give both one shape",
            )

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.train.image_shape[0]

    @property
    def size(self) -> int:
        """Height in pixels; the sets that `load_images` makes are square."""
        return self.train.image_shape[1]

    def to(self, device: torch.device | str) -> ImageData:
        """The same data with what is in memory kept on a device.

        Args:
            device: as torch names it.
        """
        return replace(self, train=self.train.to(device), test=self.test.to(device))


def digest(content: bytes) -> str:
    """A short hexadecimal digest."""
    return blake2b(content, digest_size=12).hexdigest()


class Subset:
    """Some images of another source, which it shares; an `ImageSource`.

    Args:
        source: the images.
        indices: int64 (n,), of those in the subset, in order.

    Example:
        Subset(source, torch.arange(100))
    """

    def __init__(self, source: ImageSource, indices: Tensor) -> None:
        self.source = source
        self.indices = indices.cpu()

    @property
    def labels(self) -> Tensor:
        """int64 (n,)."""
        return self.source.labels[self.indices]

    @property
    def names(self) -> Sequence[str] | None:
        """See `ImageSource.names`."""
        names = self.source.names
        return None if names is None else [names[i] for i in self.indices.tolist()]

    @property
    def image_shape(self) -> Shape:
        """(C, H, W)."""
        return self.source.image_shape

    def __len__(self) -> int:
        return len(self.indices)

    def fingerprint(self) -> str:
        """That of the whole source."""
        return self.source.fingerprint()

    def to(self, device: torch.device | str) -> Subset:
        """The same part of the source on a device."""
        return Subset(self.source.to(device), self.indices)

    def subset(self, indices: Tensor) -> Subset:
        """A part of this part, without another layer."""
        return Subset(self.source, self.indices[indices.cpu()])

    def batches(
        self,
        order: Iterable[Tensor],
        device: torch.device | str = "cpu",
        areas: RandomAreas | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """See `ImageSource.batches`; an image has the area that it has in the whole source."""
        return self.source.batches((self.indices[part] for part in order), device, areas)


class MemoryImages:
    """Images held as one tensor; an `ImageSource`.

    Args:
        images: uint8 (N, C, H, W), on the device where batches are to be cut out.
        labels: int64 (N,), class indices from 0.
        origin: the fingerprint of the files that they were read from, if they were.
        names: see `ImageSource.names`.

    Raises:
        DataError: another dtype or shape, or another number of labels than of images.

    Example:
        MemoryImages(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.arange(4))
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        origin: str | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        if images.dtype != torch.uint8 or images.ndim != 4:
            found = f"{images.dtype} of shape {tuple(images.shape)}"
            expected = "torch.uint8 of shape (N, C, H, W)"
            refuse(DataError, "images", found=found, expected=expected)
        if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
            found = f"{labels.dtype} of shape {tuple(labels.shape)}"
            expected = f"torch.int64 of shape ({len(images)},), one for each image"
            refuse(DataError, "labels", found=found, expected=expected)
        self.images = images
        self.labels = labels.cpu()  # splits and fingerprints need them there
        self._labels = labels.to(images.device)
        self.origin = origin
        self.names = names

    @property
    def image_shape(self) -> Shape:
        """(C, H, W)."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def __len__(self) -> int:
        return len(self.images)

    def fingerprint(self) -> str:
        """See `ImageSource`; that of the files, else of the labels, which no conversion changes."""
        return self.origin or digest(self.labels.numpy().tobytes())

    def to(self, device: torch.device | str) -> MemoryImages:
        """The same images on a device, and beside the labels a copy of them."""
        return MemoryImages(self.images.to(device), self.labels, self.origin, self.names)

    def subset(self, indices: Tensor) -> Subset:
        """The images `indices` (int64), in that order."""
        return Subset(self, indices)

    def batches(
        self,
        order: Iterable[Tensor],
        device: torch.device | str = "cpu",
        areas: RandomAreas | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """See `ImageSource.batches`."""
        parts = list(order)
        if not parts:
            return
        # All indices in one copy.
        indices = moved(torch.cat(parts), self.images.device)
        for part, chosen in zip(parts, torch.split(indices, list(map(len, parts))), strict=True):
            images = self.images.index_select(0, chosen)
            if areas is not None:
                images = _enlarged(images, part.tolist(), areas)
            yield moved(images, device), moved(self._labels.index_select(0, chosen), device)


def _enlarged(images: Tensor, indices: Sequence[int], areas: RandomAreas) -> Tensor:
    """Areas of images, each resized to the whole: larger than it was, so bilinear will do."""
    height, width = images.shape[2:]
    boxes = torch.tensor([areas.area(index, width, height) for index in indices], device="cpu")
    size = torch.tensor([width, height, width, height], device="cpu")
    left, top, right, bottom = (2 * boxes / size - 1).unbind(1)  # from -1 to 1, as in `affine_grid`
    zero = torch.zeros_like(left)
    across = torch.stack([(right - left) / 2, zero, (left + right) / 2], 1)
    down = torch.stack([zero, (bottom - top) / 2, (top + bottom) / 2], 1)
    theta = moved(torch.stack([across, down], 1), images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    values = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return values.round_().to(torch.uint8)
