"""From a recipe to its task, the one place that tells the tasks apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from pdas.engine.classification import ClassificationTask
from pdas.engine.inpainting import InpaintingTask
from pdas.engine.task import Task
from pdas.settings import ClassificationRecipe, Recipe
from pdas.space import Architecture, Label


def open_task(recipe: Recipe, data_dir: Path | None, device: torch.device) -> Task:
    """The task of a recipe with its data; raises `DataError` and `SettingError`."""
    if isinstance(recipe, ClassificationRecipe):
        return ClassificationTask.open(recipe, data_dir, device)
    return InpaintingTask.open(recipe, data_dir, device)


def fitted(recipe: Recipe, labels: Mapping[str, Label]) -> tuple[Recipe, Architecture]:
    """The recipe with as large a space as these labels need, and their architecture in it.

    Raises `SpaceError` if they are not of the recipe's task and choices.
    """
    if isinstance(recipe, ClassificationRecipe):
        return ClassificationTask.fitted(recipe, labels)
    return InpaintingTask.fitted(recipe, labels)
