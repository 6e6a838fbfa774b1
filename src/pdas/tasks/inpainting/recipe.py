"""A recipe of inpainting; the defaults are the paper's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.data.settings import RestorationDataSettings
from pdas.spaces.autoencoders.settings import ChainSettings
from pdas.spaces.base import FamilySettings
from pdas.support.settings import LARGEST_SIDE
from pdas.tasks.constraints import TaskSearchSettings
from pdas.tasks.recipe import Recipe, RetrainSettings
from pdas.training.components import OptimizerSettings
from pdas.training.optimizers.sgd import Sgd
from pdas.training.settings import LARGEST_BATCH


class InpaintingDataSettings(RestorationDataSettings):
    """The images to be restored.

    Example:
        InpaintingDataSettings(name="photos", image_size=32)
    """

    name: str = "celeba"
    image_size: int = Field(64, ge=16, le=LARGEST_SIDE)  # pixels; the window of SSIM needs 11


class InpaintingSearchSettings(TaskSearchSettings):
    """A search for networks that restore images.

    Example:
        InpaintingSearchSettings(steps=600)
    """

    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(50_000, ge=1)
    batch_size: int = Field(16, ge=1, le=LARGEST_BATCH)
    optimizer: OptimizerSettings = Sgd(weight_decay=0.0)
    mask_inactive: bool = False  # as in the paper


class InpaintingRetrainSettings(RetrainSettings):
    """The training of the found auto-encoder, from fresh weights on the whole training set.

    Example:
        InpaintingRetrainSettings(steps=2000)
    """

    steps: int | None = Field(500_000, ge=1)
    batch_size: int = Field(16, ge=1, le=LARGEST_BATCH)
    optimizer: OptimizerSettings = Sgd(weight_decay=0.0)


class InpaintingRecipe(Recipe):
    """One experiment of inpainting, complete.

    Example:
        InpaintingRecipe(name="mine", mask="pixel")
    """

    task: Literal["inpainting"] = "inpainting"
    mask: str = "center"  # center, pixel, half, or MODULE:FUNCTION
    data: InpaintingDataSettings = InpaintingDataSettings()
    network: FamilySettings = ChainSettings()
    search: InpaintingSearchSettings = InpaintingSearchSettings()
    retrain: InpaintingRetrainSettings = InpaintingRetrainSettings()
