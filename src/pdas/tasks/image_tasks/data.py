"""What the image sets of all tasks have in common: which are in use, and batches that fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import torch

from pdas.data.images import ImageData, ImageSource
from pdas.data.splits import halves
from pdas.searches.arguments import check_batch_size
from pdas.support.errors import SettingError

B = TypeVar("B")


def drawn(source: ImageSource, count: int | None, seed: int) -> ImageSource:
    """`count` images of a source, drawn at random; None, or more than there are: all of them."""
    if count is None or count >= len(source):
        return source
    generator = torch.Generator().manual_seed(seed)
    return source.subset(torch.randperm(len(source), generator=generator)[:count])


@dataclass(frozen=True, kw_only=True)
class TaskImages(ABC, Generic[B]):
    """Images on a device, ready to become the batches of a task.

    Attributes:
        images: training and test images, and the names of the classes.
    """

    smallest_batch: ClassVar[int] = 1  # of a retraining

    images: ImageData
    device: torch.device

    def search_batches(self, batch_size: int, seed: int) -> tuple[B, B]:
        """Batches of D_W and of D_theta, random halves of the training images.

        Both are training data. Raises `SettingError` if the batch is larger than a half.
        """
        generator = torch.Generator().manual_seed(seed)
        indices = halves(len(self.images.train), generator)
        check_batch_size(batch_size, min(map(len, indices)))
        first, second = (
            self._training_batches(self.images.train.subset(half), batch_size, generator)
            for half in indices
        )
        return first, second

    def training_batches(self, batch_size: int, seed: int) -> B:
        """Batches of all training images; raises `SettingError` if there are too few."""
        self.check_training_batch(batch_size)
        generator = torch.Generator().manual_seed(seed)
        return self._training_batches(self.images.train, batch_size, generator)

    def check_training_batch(self, batch_size: int) -> None:
        """Raise `SettingError` if a batch of the retraining is larger than the training set."""
        images = len(self.images.train)
        if batch_size > images:
            raise SettingError(
                f"retrain.batch_size: found {batch_size}, expected {self.smallest_batch} to "
                f"{images}, the number of training images; add --set retrain.batch_size={images} "
                "or more images"
            )

    @abstractmethod
    def _training_batches(
        self, source: ImageSource, batch_size: int, generator: torch.Generator
    ) -> B:
        """Batches of training images, changed and shuffled by the generator."""
