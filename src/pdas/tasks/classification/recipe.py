"""A recipe of image classification; the defaults are the paper's."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pdas.data.settings import LabelledDataSettings
from pdas.spaces.base import FamilySettings
from pdas.spaces.cells.settings import MOST_CELLS, NetworkSettings
from pdas.support.settings import LARGEST_SIDE, Settings
from pdas.tasks.constraints import TaskSearchSettings
from pdas.tasks.recipe import Recipe
from pdas.tasks.recipe import RetrainSettings as BaseRetrainSettings
from pdas.training.settings import LARGEST_BATCH


class ClassificationDataSettings(LabelledDataSettings):
    """The images; the paper's are CIFAR-10.

    Example:
        ClassificationDataSettings(name="digits", cutout=0)
    """

    name: str = "cifar10"


class ClassificationSearchSettings(TaskSearchSettings):
    """A search for classifiers.

    Example:
        ClassificationSearchSettings(epochs=40, batch_size=32)
    """

    mask_inactive: bool = False  # a variable learns from architectures that use it
    image_size: int | None = Field(None, ge=1, le=LARGEST_SIDE)  # null: data.image_size
    train_fraction: float | None = Field(None, gt=0, le=1)  # null: data.train_fraction

    def of(self, data: ClassificationDataSettings) -> ClassificationDataSettings:
        """The images that the search sees."""
        own = {"image_size": self.image_size, "train_fraction": self.train_fraction}
        return data.model_copy(
            update={name: value for name, value in own.items() if value is not None}
        )


class WidthLimitSettings(Settings):
    """What the retrained network may cost at most; its width is the largest under this limit.

    Example:
        WidthLimitSettings(cost="multiply_adds", maximum=600_000_000)
    """

    cost: Literal["parameters", "multiply_adds"]  # of one image at the size of the retraining
    maximum: float = Field(gt=0)


class RetrainSettings(BaseRetrainSettings):
    """The training of the found architecture, from fresh weights on the whole training set.

    Example:
        RetrainSettings(epochs=20, weight_limit=100_000)
    """

    smallest_part: ClassVar[int] = 2  # the auxiliary classifier normalises maps of one pixel

    epochs: int | None = Field(600, ge=1)
    batch_size: int = Field(80, ge=2, le=LARGEST_BATCH)  # images, on all devices together
    cells_per_stage: int = Field(6, ge=1, le=MOST_CELLS)  # N, of the retrained network
    weight_limit: int | None = Field(3_000_000, ge=1)  # the width C is the largest under it
    limit: WidthLimitSettings | None = None  # and under this one, of an image's cost
    drop_path: float = Field(0.3, ge=0, lt=1)  # its probability at the end, linearly from 0
    auxiliary_weight: float = Field(0.4, ge=0)  # of the auxiliary classifier's loss; 0: none
    label_smoothing: float = Field(0.0, ge=0, lt=1)  # the share of a label that all classes get


class ClassificationRecipe(Recipe):
    """One experiment of image classification, complete.

    Example:
        ClassificationRecipe(name="mine", data=ClassificationDataSettings(name="folder"))
    """

    task: Literal["classification"] = "classification"
    data: ClassificationDataSettings = ClassificationDataSettings()
    network: FamilySettings = NetworkSettings()
    search: ClassificationSearchSettings = ClassificationSearchSettings()
    retrain: RetrainSettings = RetrainSettings()
