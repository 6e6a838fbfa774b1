"""Image classification on the engine: the images of a recipe, their batches, and the loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pdas.data import (
    Augment,
    Batches,
    ImageData,
    ImageSource,
    Standardise,
    channel_statistics,
    check_batch_size,
    halves,
    load_images,
    training_transform,
)
from pdas.engine.step import Model
from pdas.errors import SettingError
from pdas.nn.cell.layout import check_image_size
from pdas.settings import DataSettings

GIB = 2**30


@dataclass(frozen=True)
class ClassificationData:
    """Images on a device, ready to become batches.

    Attributes:
        images: training and test images, and the names of the classes.
        standardise: by the mean and standard deviation of the training images.
        augment: what is done to training images.
    """

    images: ImageData
    standardise: Standardise
    augment: Augment
    device: torch.device

    @classmethod
    def load(
        cls, settings: DataSettings, data_dir: Path | None, device: torch.device
    ) -> ClassificationData:
        """Load and check the images of a recipe.

        Raises `DataError` for missing or broken data, `SettingError` for images too small.
        """
        images = load_images(
            settings.name,
            data_dir=data_dir,
            image_size=settings.image_size,
            channels=settings.channels,
            test_fraction=settings.test_fraction,
            seed=settings.split_seed,
            memory_limit=int(settings.memory_limit * GIB),
            workers=settings.workers,
        )
        check_image_size(images.size)
        train = _part(images.train, settings.train_images, settings.split_seed)
        images = ImageData(train, images.test, images.classes).to(device)
        augment = Augment(pad=settings.pad, flip=settings.flip, cutout=settings.cutout)
        augment.check_size(images.size)
        return cls(images, channel_statistics(train), augment, device)

    def search_batches(self, batch_size: int, seed: int) -> tuple[Batches, Batches]:
        """Batches of D_W and of D_theta, random halves of the training images, both augmented."""
        generator = torch.Generator().manual_seed(seed)
        indices = halves(len(self.images.train), generator)
        check_batch_size(batch_size, min(map(len, indices)))
        first, second = (
            self._training_batches(self.images.train.subset(half), batch_size, generator)
            for half in indices
        )
        return first, second

    def training_batches(self, batch_size: int, seed: int) -> Batches:
        """Batches of all training images, augmented."""
        self.check_training_batch(batch_size)
        generator = torch.Generator().manual_seed(seed)
        return self._training_batches(self.images.train, batch_size, generator)

    def check_training_batch(self, batch_size: int) -> None:
        """Raise `SettingError` if a batch of the retraining is larger than the training set."""
        images = len(self.images.train)
        if batch_size > images:
            raise SettingError(
                f"retrain.batch_size: found {batch_size}, expected 2 to {images}, the number of "
                "training images; lower it or give more images"
            )

    def test_batches(self, batch_size: int = 256) -> Batches:
        """All test images in order, not augmented."""
        return Batches(
            self.images.test,
            batch_size,
            shuffle=None,
            transform=self.standardise,
            drop_last=False,
            device=self.device,
        )

    def _training_batches(
        self, source: ImageSource, batch_size: int, generator: torch.Generator
    ) -> Batches:
        transform = training_transform(self.standardise, self.augment, generator)
        return Batches(
            source,
            batch_size,
            shuffle=generator,
            transform=transform,
            drop_last=True,
            device=self.device,
        )


def classification_loss(model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Cross entropy of a batch of images and labels, with the accuracy beside it."""
    images, labels = batch
    logits = model(images)
    accuracy = (logits.detach().argmax(1) == labels).float().mean()
    return {"loss": F.cross_entropy(logits, labels), "accuracy": accuracy}


def _part(source: ImageSource, count: int | None, seed: int) -> ImageSource:
    if count is None or count >= len(source):
        return source
    generator = torch.Generator().manual_seed(seed)
    return source.subset(torch.randperm(len(source), generator=generator)[:count])
