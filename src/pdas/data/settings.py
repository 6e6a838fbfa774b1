"""Settings of image data. Which data set is the default is said by the recipe of each task."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator

from pdas.data.base import Use, names
from pdas.support.settings import LARGEST_SEED, LARGEST_SIDE, Settings

Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]


class ImageSettings(Settings):
    """Which images, of any task."""

    use: ClassVar[Use]

    name: str  # of the [data set](data.md)
    image_size: int | None = Field(None, ge=1, le=LARGEST_SIDE)  # a side; null: the set's own
    channels: Literal[1, 3] | None = None  # null: those of the data set
    test_fraction: float = Field(0.2, gt=0, lt=1)  # held out where the data set has no test part
    train_images: int | None = Field(None, ge=4)  # use this many, drawn at random; null: all
    split_seed: int = Field(0, ge=0, le=LARGEST_SEED)  # of the images in use, test, masks
    flip: bool = True  # horizontally, in training, at random
    memory_limit: float = Field(4.0, gt=0)  # GiB; a larger set of files is read from disk
    workers: int = Field(2, ge=0)  # processes that read from disk

    @field_validator("name")
    @classmethod
    def _is_for_this_use(cls, name: str) -> str:
        if name not in (fit := names(cls.use)):
            raise ValueError(f"expected one of {', '.join(fit)}; set it to one of them")
        return name


class JitterSettings(Settings):
    """How much colours change at random, see `pdas.data.views.jitter.Jitter`.

    Example:
        JitterSettings(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)
    """

    brightness: float = Field(0.0, ge=0, le=1)
    contrast: float = Field(0.0, ge=0, le=1)
    saturation: float = Field(0.0, ge=0, le=1)
    hue: float = Field(0.0, ge=0, le=0.5)


class LabelledDataSettings(ImageSettings):
    """Labelled images, and how they are augmented in training.

    Example:
        LabelledDataSettings(name="digits", image_size=16)
    """

    use = "labelled"

    train_fraction: float = Field(1.0, gt=0, le=1)  # in use of each class, drawn by split_seed
    center_crop: Share | None = None  # a square's side in the shorter one; null: all, squashed
    area_scale: tuple[Share, Share] | None = None  # shares of a random area; null: all of it
    pad: int = Field(4, ge=0, le=LARGEST_SIDE)  # pixels around an image before the random crop
    jitter: JitterSettings | None = None  # of colours in training, at random
    cutout: int = Field(16, ge=0, le=LARGEST_SIDE)  # side of the square in pixels; 0: none

    @field_validator("area_scale")
    @classmethod
    def _ascends(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale is not None and scale[0] > scale[1]:
            raise ValueError("expected the smaller share first; exchange the two")
        return scale


class RestorationDataSettings(ImageSettings):
    """Images to be restored.

    Example:
        RestorationDataSettings(name="photos", crops=100)
    """

    use = "restoration"

    crops: int | None = Field(None, ge=1, le=100_000)  # of each training image; null: none
    test_images: int | None = Field(None, ge=1)  # use this many, drawn at random; null: all
