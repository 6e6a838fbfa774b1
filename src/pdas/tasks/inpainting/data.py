"""The images of a recipe, and their batches of masked and clean images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.images import ImageSource
from pdas.data.load import load_images
from pdas.data.masks import Mask, MaskedBatches, draw_mask
from pdas.data.settings import RestorationDataSettings
from pdas.data.views.standardise import Standardise
from pdas.tasks.image_tasks.data import TaskImages, drawn

TEST_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class InpaintingData(TaskImages[MaskedBatches]):
    """Images on a device, ready to become batches `(masked, clean)` of values in [0, 1].

    Attributes:
        mask: which pixels are hidden.
        flip: whether training images are mirrored at random.
        test_seed: decides the masks of the test images.

    Example:
        data = InpaintingData.load(recipe.data, find_mask("pixel"), None, torch.device("cpu"))
        masked, clean = next(iter(data.test_batches()))
    """

    mask: Mask
    flip: bool
    test_seed: int

    @classmethod
    def load(
        cls,
        settings: RestorationDataSettings,
        mask: Mask,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
    ) -> InpaintingData:
        """Load and check the images of a recipe.

        Args:
            settings: which images.
            mask: which pixels are hidden.
            data_dir: where the images are, for data sets that need it.
            device: where they go.
            download: whether a data set may be written into `data_dir`.

        Raises:
            DataError: the data is missing or broken.
            SettingError: the mask does not fit the images.
        """
        images = load_images(settings, data_dir, download)
        train = drawn(images.train, settings.train_images, settings.split_seed)
        test = drawn(images.test, settings.test_images, settings.split_seed)
        used = replace(images, train=train, test=test).to(device)
        # Drawn for nothing, so that a mask of the user's own fails before a directory is made.
        blank = torch.zeros(2, *used.train.image_shape, device=device)
        draw_mask(mask, blank, torch.Generator().manual_seed(settings.split_seed))
        return cls(
            images=used,
            device=device,
            mask=mask,
            flip=settings.flip,
            test_seed=settings.split_seed,
        )

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
            transform=TrainingTransform(self._unit, augment, generator),
            drop_last=True,
            device=self.device,
        )
        return MaskedBatches(batches, self.mask, generator)
