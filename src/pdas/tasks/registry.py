"""From a recipe or a run to what belongs to its task: the one place that tells the tasks apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from pdas.runs.run import Run
from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces.autoencoders.space import autoencoder_space
from pdas.spaces.cells.space import cell_space
from pdas.tasks.base import Task
from pdas.tasks.classification import ClassificationTask, Classifier, load_classifier
from pdas.tasks.classification.recipe import ClassificationRecipe
from pdas.tasks.inpainting import InpaintingTask, Restorer, load_restorer
from pdas.tasks.recipe import Recipe, recorded


def open_task(
    recipe: Recipe, data_dir: Path | None, device: torch.device, download: bool = True
) -> Task:
    """The task of a recipe with its data; raises `DataError` and `SettingError`."""
    if isinstance(recipe, ClassificationRecipe):
        return ClassificationTask.open(recipe, data_dir, device, download)
    return InpaintingTask.open(recipe, data_dir, device, download)


def recipe_space(recipe: Recipe) -> SearchSpace:
    """The space that a recipe searches."""
    if isinstance(recipe, ClassificationRecipe):
        return cell_space(recipe.network.nodes, recipe.network.operations)
    return autoencoder_space(recipe.network)


def fitted(recipe: Recipe, labels: Mapping[str, Label]) -> tuple[Recipe, Architecture]:
    """The recipe with as large a space as these labels need, and their architecture in it.

    Raises `SpaceError` if they are not of the recipe's task and choices.
    """
    if isinstance(recipe, ClassificationRecipe):
        return ClassificationTask.fitted(recipe, labels)
    return InpaintingTask.fitted(recipe, labels)


def load(path: str | Path) -> Classifier | Restorer:
    """The classifier, or the restorer, of a run directory (its first retraining).

    Or that of one `retrain-<seed>/`. Raises `RunError` if there is none or its files are damaged.
    """
    run = Run.open(path).retrained()[0]
    recipe, _, _ = recorded(run)
    return load_classifier(run) if isinstance(recipe, ClassificationRecipe) else load_restorer(run)
