"""The labelled images of a recipe, and their batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from pdas.data import (
    Augment,
    Batches,
    ImageData,
    ImageSource,
    Standardise,
    channel_statistics,
    load_images,
    training_transform,
)
from pdas.data.settings import DataSettings
from pdas.spaces.cells.layout import check_image_size
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.images import TaskImages, drawn, memory_bytes


@dataclass(frozen=True, kw_only=True)
class ClassificationData(TaskImages[Batches]):
    """Images on a device, ready to become batches.

    Attributes:
        standardise: by the mean and standard deviation of the training images.
        augment: what is done to training images.
    """

    smallest_batch = RetrainSettings.smallest_part

    standardise: Standardise
    augment: Augment

    @classmethod
    def load(
        cls,
        settings: DataSettings,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
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
            memory_limit=memory_bytes(settings),
            workers=settings.workers,
            download=download,
        )
        check_image_size(images.size)
        train = drawn(images.train, settings.train_images, settings.split_seed)
        images = ImageData(train, images.test, images.classes).to(device)
        augment = Augment(pad=settings.pad, flip=settings.flip, cutout=settings.cutout)
        augment.check_size(images.size)
        return cls(
            images=images, device=device, standardise=channel_statistics(train), augment=augment
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
