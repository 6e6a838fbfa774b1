"""A recipe of image classification; the defaults are the paper's."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pdas.data.settings import LabelledDataSettings
from pdas.distributed.settings import DeviceSettings
from pdas.searches.settings import SearchSettings
from pdas.spaces.cells.layout import NetworkSettings
from pdas.support.settings import Name, Settings
from pdas.training.settings import TrainingSettings


class ClassificationDataSettings(LabelledDataSettings):
    """The images; the paper's are CIFAR-10."""

    name: str = "cifar10"


class ClassificationSearchSettings(SearchSettings):
    """A search of cells, or a control in its place."""

    mask_inactive: bool = False  # as in the paper
    method: Literal["pdas", "random"] = "pdas"  # random: an architecture drawn uniformly


class RetrainSettings(TrainingSettings):
    """The training of the found architecture, from fresh weights on the whole training set."""

    smallest_part: ClassVar[int] = 2  # the auxiliary classifier normalises maps of one pixel

    epochs: int | None = Field(600, ge=1)
    batch_size: int = Field(80, ge=2)
    cells_per_stage: int = Field(6, ge=1)  # N
    weight_limit: int = Field(3_000_000, ge=1)  # the width C is the largest under this limit
    drop_path: float = Field(0.3, ge=0, lt=1)  # at the end, rising linearly from 0
    auxiliary_weight: float = Field(0.4, ge=0)  # 0: no auxiliary classifier


class ClassificationRecipe(Settings):
    """One experiment of image classification, complete."""

    name: Name
    description: str = ""
    task: Literal["classification"] = "classification"
    data: ClassificationDataSettings = ClassificationDataSettings()
    network: NetworkSettings = NetworkSettings()
    search: ClassificationSearchSettings = ClassificationSearchSettings()
    retrain: RetrainSettings = RetrainSettings()
    device: DeviceSettings = DeviceSettings()
