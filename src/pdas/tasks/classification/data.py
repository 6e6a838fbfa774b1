"""The labelled images of a recipe, and their batches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.images import ImageSource
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings
from pdas.data.splits import share_of_classes
from pdas.data.views.jitter import Jitter
from pdas.data.views.standardise import Standardise, channel_statistics
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.image_tasks.data import TaskImages, drawn


@dataclass(frozen=True, kw_only=True)
class ClassificationData(TaskImages[Batches]):
    """Images on a device, ready to become batches `(images, labels)`.

    Attributes:
        standardise: by the mean and standard deviation of the training images.
        augment: what is done to training images.
        area_scale: of the random areas that training sees, see `Batches`.

    Example:
        data = ClassificationData.load(recipe.data, None, torch.device("cpu"))
        images, labels = next(iter(data.test_batches()))
    """

    smallest_batch = RetrainSettings.smallest_part

    standardise: Standardise
    augment: Augment
    area_scale: tuple[float, float] | None = None

    @classmethod
    def load(
        cls,
        settings: LabelledDataSettings,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
    ) -> ClassificationData:
        """Load and check the images of a recipe.

        Args:
            settings: which images.
            data_dir: where they are, for data sets that need it.
            device: where they go.
            download: whether a data set may be written into `data_dir`.

        Raises:
            DataError: the data is missing or broken.
            SettingError: the images are too small for their augmentation.
        """
        images = load_images(settings, data_dir, download)
        train = images.train
        if settings.train_fraction < 1:
            kept = share_of_classes(train.labels, settings.train_fraction, settings.split_seed)
            train = train.subset(kept)
        train = drawn(train, settings.train_images, settings.split_seed)
        images = replace(images, train=train).to(device)
        augment = Augment(
            pad=settings.pad,
            flip=settings.flip,
            cutout=settings.cutout,
            jitter=None if settings.jitter is None else Jitter(**dict(settings.jitter)),
        )
        augment.check_size(images.size)
        known = images.statistics
        return cls(
            images=images,
            device=device,
            standardise=channel_statistics(train) if known is None else Standardise(*known),
            augment=augment,
            area_scale=settings.area_scale,
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
        transform = TrainingTransform(self.standardise, self.augment, generator)
        return Batches(
            source,
            batch_size,
            shuffle=generator,
            transform=transform,
            drop_last=True,
            device=self.device,
            area_scale=self.area_scale,
        )
