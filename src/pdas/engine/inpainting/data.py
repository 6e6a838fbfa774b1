"""The images of a recipe, and their batches of masked and clean images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from pdas.data import (
    Augment,
    Batches,
    ImageData,
    ImageSource,
    Mask,
    MaskedBatches,
    Standardise,
    load_restoration_images,
    training_transform,
)
from pdas.engine.images import check_training_batch, drawn, memory_bytes, search_halves
from pdas.settings import InpaintingDataSettings

TEST_BATCH = 64


@dataclass(frozen=True)
class InpaintingData:
    """Images on a device, ready to become batches `(masked, clean)` of values in [0, 1].

    Attributes:
        images: training and test images, both with labels.
        mask: which pixels are hidden.
        flip: whether training images are mirrored at random.
        test_seed: decides the masks of the test images.
    """

    images: ImageData
    mask: Mask
    flip: bool
    test_seed: int
    device: torch.device

    @classmethod
    def load(
        cls,
        settings: InpaintingDataSettings,
        mask: Mask,
        data_dir: Path | None,
        device: torch.device,
    ) -> InpaintingData:
        """Load and check the images of a recipe; raises `DataError` and `SettingError`."""
        images = load_restoration_images(
            settings.name,
            data_dir=data_dir,
            image_size=settings.image_size,
            channels=settings.channels,
            crops=settings.crops,
            test_fraction=settings.test_fraction,
            seed=settings.split_seed,
            memory_limit=memory_bytes(settings),
            workers=settings.workers,
        )
        train = drawn(images.train, settings.train_images, settings.split_seed)
        test = drawn(images.test, settings.test_images, settings.split_seed)
        used = ImageData(train, test, images.classes).to(device)
        data = cls(used, mask, settings.flip, settings.split_seed, device)
        next(iter(data.test_batches()))  # a mask of the user's own fails before anything is made
        return data

    def search_batches(self, batch_size: int, seed: int) -> tuple[MaskedBatches, MaskedBatches]:
        """Batches of D_W and of D_theta, random halves of the training images, both masked."""
        generator = torch.Generator().manual_seed(seed)
        first, second = search_halves(self.images.train, batch_size, generator)
        return (
            self._training_batches(first, batch_size, generator),
            self._training_batches(second, batch_size, generator),
        )

    def training_batches(self, batch_size: int, seed: int) -> MaskedBatches:
        """Batches of all training images, with fresh masks."""
        check_training_batch(batch_size, len(self.images.train))
        generator = torch.Generator().manual_seed(seed)
        return self._training_batches(self.images.train, batch_size, generator)

    def test_batches(self) -> MaskedBatches:
        """All test images in order, with the same masks every time."""
        batches = Batches(
            self.images.test,
            TEST_BATCH,
            shuffle=None,
            transform=self._unit,
            drop_last=False,
            device=self.device,
        )
        return MaskedBatches(batches, self.mask, torch.Generator().manual_seed(self.test_seed))

    @property
    def _unit(self) -> Standardise:
        channels = self.images.channels
        return Standardise((0.0,) * channels, (1.0,) * channels)

    def _training_batches(
        self, source: ImageSource, batch_size: int, generator: torch.Generator
    ) -> MaskedBatches:
        augment = Augment(pad=0, flip=self.flip, cutout=0)
        batches = Batches(
            source,
            batch_size,
            shuffle=generator,
            transform=training_transform(self._unit, augment, generator),
            drop_last=True,
            device=self.device,
        )
        return MaskedBatches(batches, self.mask, generator)
