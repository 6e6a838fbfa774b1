"""Images by name and settings in one call, with the memory limit in bytes."""

from __future__ import annotations

from pathlib import Path

from pdas.data.base import GIB
from pdas.data.images import ImageData
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings, RestorationDataSettings
from pdas.support.settings import validated

NOTHING = 0.5  # bytes: the settings want more than 0


def labelled(name: str, data_dir: Path | None = None, **settings: object) -> ImageData:
    """The images of a set with their labels."""
    return load_images(validated(LabelledDataSettings, _values(name, settings), "data"), data_dir)


def restoration(name: str, data_dir: Path | None = None, **settings: object) -> ImageData:
    """The images of a set to be restored."""
    return load_images(
        validated(RestorationDataSettings, _values(name, settings), "data"), data_dir
    )


def _values(name: str, settings: dict[str, object]) -> dict[str, object]:
    values = {"name": name, **settings}
    if "seed" in values:
        values["split_seed"] = values.pop("seed")
    if "memory_limit" in values:
        values["memory_limit"] = (values["memory_limit"] or NOTHING) / GIB
    return values
