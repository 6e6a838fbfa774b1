"""What the images of all tasks have in common: which are in use, and batches that fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import torch

from pdas.data.images import ImageData, ImageSource
from pdas.data.splits import halves
from pdas.searches.halves import check_batch_size
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

B = TypeVar("B")


def drawn(source: ImageSource, count: int | None, seed: int) -> ImageSource:
    """`count` images of a source, drawn at random; None, or more than there are: all of them."""
    if count is None or count >= len(source):
        return source
    generator = torch.Generator().manual_seed(seed)
    return source.subset(torch.randperm(len(source), generator=generator, device="cpu")[:count])


@dataclass(frozen=True, kw_only=True)
class TaskImages(ABC, Generic[B]):
    """Images on a device, ready to become the batches of a task.

    Attributes:
        images: training and test images, and the names of the classes.
        device: where they are.
        smallest_batch: images that a batch of a retraining has at least.

    Example:
        data = ClassificationData.load(recipe.data, None, torch.device("cpu"))
        weight_batches, theta_batches = data.search_batches(32, seed=0)
    """

    smallest_batch: ClassVar[int] = 1  # of a retraining

    images: ImageData
    device: torch.device

    def search_batches(self, batch_size: int, seed: int) -> tuple[B, B]:
        """Batches of D_W and of D_theta, random halves of the training images.

        Both are augmented as training data.

        Args:
            batch_size: images of a batch.
            seed: of the halves, the order and the augmentation.

        Raises:
            SettingError: the batch is larger than a half.
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
        """Batches of all training images.

        Args:
            batch_size: images of a batch.
            seed: of the order and the augmentation.

        Raises:
            SettingError: there are too few images.
        """
        self.check_training_batch(batch_size)
        generator = torch.Generator().manual_seed(seed)
        return self._training_batches(self.images.train, batch_size, generator)

    def check_training_batch(self, batch_size: int) -> None:
        """Check the batch size of the retraining.

        Raises:
            SettingError: it is larger than the training set.
        """
        images = len(self.images.train)
        if batch_size > images:
            refuse(
                SettingError,
                "retrain.batch_size",
                found=str(batch_size),
                expected=f"{self.smallest_batch} to {images}, the number of training images",
                remedy=f"add --set retrain.batch_size={images} or more images",
            )

    @abstractmethod
    def _training_batches(
        self, source: ImageSource, batch_size: int, generator: torch.Generator
    ) -> B:
        """Batches of training images, shuffled and augmented by the generator."""
