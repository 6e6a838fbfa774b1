"""A recipe of inpainting; the defaults are the paper's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from pdas.data.settings import RestorationDataSettings
from pdas.distributed.settings import DeviceSettings
from pdas.searches.settings import SearchSettings
from pdas.spaces.autoencoders.space import ChainSettings
from pdas.support.settings import Name, Settings
from pdas.training.settings import TrainingSettings


class InpaintingDataSettings(RestorationDataSettings):
    """The images to be restored."""

    name: str = "celeba"
    image_size: int = Field(64, ge=16)  # pixels; the window of SSIM needs 11


class InpaintingSearchSettings(SearchSettings):
    """A search of auto-encoders, or a control in its place."""

    method: Literal["pdas", "random", "base"] = "pdas"  # base: the paper's BASE
    like: str | None = None  # for base: the architecture.json that has its depth
    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(50_000, ge=1)
    batch_size: int = Field(16, ge=1)
    weight_decay: float = Field(0.0, ge=0)
    mask_inactive: bool = False  # as in the paper

    @model_validator(mode="after")
    def _like_for_base(self) -> Self:
        if (self.method == "base") != (self.like is not None):
            raise ValueError(
                f"found method = {self.method} and like = {self.like}, expected an architecture "
                "for the method base and no other; add search.like=RUN/architecture.json, or null"
            )
        return self


class InpaintingRetrainSettings(TrainingSettings):
    """The training of the found auto-encoder, from fresh weights on the whole training set."""

    steps: int | None = Field(500_000, ge=1)
    batch_size: int = Field(16, ge=1)
    weight_decay: float = Field(0.0, ge=0)


class InpaintingRecipe(Settings):
    """One experiment of inpainting, complete."""

    name: Name
    description: str = ""
    task: Literal["inpainting"]
    mask: str = "center"  # center, pixel, half, or MODULE:FUNCTION
    data: InpaintingDataSettings = InpaintingDataSettings()
    network: ChainSettings = ChainSettings()
    search: InpaintingSearchSettings = InpaintingSearchSettings()
    retrain: InpaintingRetrainSettings = InpaintingRetrainSettings()
    device: DeviceSettings = DeviceSettings()
