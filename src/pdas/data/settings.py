"""Settings of image data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.support.settings import LARGEST_SEED, Settings


class ImageSettings(Settings):
    """Which images, of any task."""

    image_size: int | None = Field(None, ge=1)  # pixels; None: that of the data set
    channels: Literal[1, 3] | None = None  # None: those of the data set
    test_fraction: float = Field(0.2, gt=0, lt=1)  # where the data set has no test part
    train_images: int | None = Field(None, ge=4)  # use this many, drawn at random; None: all
    split_seed: int = Field(0, ge=0, le=LARGEST_SEED)  # images in use, and for the test; its masks
    flip: bool = True  # in training, at random
    memory_limit: float = Field(4.0, gt=0)  # GiB; a larger set of files is read from disk
    workers: int = Field(2, ge=0)  # processes that read from disk


class DataSettings(ImageSettings):
    """Labelled images, and how they are augmented in training."""

    name: Literal["digits", "fashion-mnist", "cifar10", "folder"] = "cifar10"
    pad: int = Field(4, ge=0)  # pixels around an image before the random crop
    cutout: int = Field(16, ge=0)  # side of the square in pixels; 0: none


class InpaintingDataSettings(ImageSettings):
    """Images to be restored."""

    name: Literal["photos", "fashion-mnist", "svhn", "celeba", "cars", "folder"] = "celeba"
    image_size: int = Field(64, ge=16)  # pixels; the window of SSIM needs 11
    crops: int | None = Field(None, ge=1)  # random ones of each training image of photos or folder
    test_images: int | None = Field(None, ge=1)  # use this many, drawn at random; None: all
