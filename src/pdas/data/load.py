"""The images that settings ask for, from whichever data set they name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pdas.data.base import GIB, SETS, Request, names
from pdas.data.settings import ImageSettings, LabelledDataSettings, RestorationDataSettings
from pdas.support.errors import SettingError, printable
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.data.images import ImageData

_log = logging.getLogger(__name__)


def load_images(
    settings: ImageSettings, data_dir: Path | None = None, download: bool = True
) -> ImageData:
    """A training and a test set of square images.

    Args:
        settings: which images. `train_images` and `test_images` are left to the task: here are all.
        data_dir: where the files are, for sets that are not installed with a package.
        download: whether files that are missing may be downloaded into `data_dir`.

    Returns:
        uint8 images (N, C, H, W) with labels. Where a set has no labels they are all 0. Its notes
        are also logged.

    Raises:
        SettingError: a setting does not fit the data set.
        DataError: data is missing, broken or too small.

    Example:
        load_images(LabelledDataSettings(name="digits"))
    """
    crops = settings.crops if isinstance(settings, RestorationDataSettings) else None
    data_set = SETS[settings.name]
    if crops is not None and not data_set.takes_crops:
        fit = " and ".join(name for name in names(settings.use) if SETS[name].takes_crops)
        found, expected = f"{crops} for {settings.name}", f"none but for {fit}"
        refuse(SettingError, "data.crops", found=found, expected=expected, remedy="leave it out")
    center = settings.center_crop if isinstance(settings, LabelledDataSettings) else None
    if center is not None and not data_set.any_shape:
        fit = " and ".join(name for name in names(settings.use) if SETS[name].any_shape)
        found, expected = f"{center} for {settings.name}", f"none but for {fit}"
        refuse(
            SettingError, "data.center_crop", found=found, expected=expected, remedy="leave it out"
        )
    form = data_set.form(settings.use)
    assert form is not None  # as the settings have checked
    data = data_set.read(
        Request(
            name=settings.name,
            use=settings.use,
            data_dir=data_dir,
            image_size=settings.image_size or form.size,
            channels=settings.channels or form.channels,
            crops=crops,
            test_fraction=settings.test_fraction,
            seed=settings.split_seed,
            memory_limit=int(settings.memory_limit * GIB),
            workers=settings.workers,
            download=download,
            center_crop=center,
            random_areas=getattr(settings, "area_scale", None) is not None,
        )
    )
    for note in data.notes:
        _log.warning("data: %s", printable(note))
    return data
