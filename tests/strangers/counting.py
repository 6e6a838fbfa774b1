"""A stranger: the task of counting the blobs of an image, a regression with its own metric."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

import tests.strangers.blobs  # noqa: F401 - registers the data set
from pdas.data.settings import LabelledDataSettings
from pdas.spaces.base import FamilySettings
from pdas.spaces.cells.settings import NetworkSettings
from pdas.support.metrics import Metric
from pdas.tasks.base import TASKS, OpenedTask, Task
from pdas.tasks.constraints import TaskSearchSettings
from pdas.tasks.recipe import Recipe, RetrainSettings

if TYPE_CHECKING:
    import torch

MISCOUNT = Metric("miscount", "mean miscount", "blobs", ".2f", "lower", short="off by")


class CountingData(LabelledDataSettings):
    name: str = "blobs"
    pad: int = 0
    cutout: int = 0


class CountingRetrain(RetrainSettings):
    """With the settings that cells want for their size."""

    epochs: int | None = 2
    batch_size: int = Field(32, ge=2)
    cells_per_stage: int = 1
    weight_limit: int = 20_000


class CountingRecipe(Recipe):
    task: Literal["counting"] = "counting"
    data: CountingData = CountingData()
    network: FamilySettings = NetworkSettings(nodes=2, channels=4)
    search: TaskSearchSettings = TaskSearchSettings(epochs=2, batch_size=32)
    retrain: CountingRetrain = CountingRetrain()


class Counting(Task):
    recipe = CountingRecipe
    metrics = (MISCOUNT,)

    def open(
        self, recipe: Any, data_dir: Path | None, device: torch.device, download: bool = True
    ) -> OpenedTask:
        from tests.strangers.counting_task import opened

        return opened(recipe, data_dir, device)


TASKS.add("counting", Counting())
