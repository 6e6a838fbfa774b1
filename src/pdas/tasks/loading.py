"""From a recipe or a run to what belongs to its task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdas.runs.run import Run
from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces.base import FAMILIES
from pdas.tasks.base import TASKS, Task
from pdas.tasks.recipe import Recipe, recorded

if TYPE_CHECKING:
    import torch


def open_task(
    recipe: Recipe, data_dir: Path | None, device: torch.device, download: bool = True
) -> Task:
    """The task of a recipe with its data; raises `DataError` and `SettingError`."""
    return TASKS[recipe.task].open(recipe, data_dir, device, download)


def recipe_space(recipe: Recipe) -> SearchSpace:
    """The space that a recipe searches."""
    return FAMILIES[recipe.network.space].space(recipe.network)


def fitted(recipe: Recipe, labels: Mapping[str, Label]) -> tuple[Recipe, Architecture]:
    """The recipe with as large a space as these labels need, and their architecture in it.

    Raises:
        SpaceError: they are not of the recipe's family and choices.
    """
    network = FAMILIES[recipe.network.space].fitted(recipe.network, labels)
    larger = recipe.model_copy(update={"network": network})
    return larger, recipe_space(larger).architecture(labels)


def load(path: str | Path) -> Any:
    """What a retrained network is to users, as a `Classifier`.

    Args:
        path: a run directory, of which the first retraining is used, or one `retrain-<seed>/`.

    Raises:
        RunError: there is no finished retraining, or its files are damaged.

    Example:
        classifier = pdas.load("runs/folder-0")
        classifier.predict(["photo.jpg"])
    """
    run = Run.open(path).retrained()[0]
    recipe, _, _ = recorded(run)
    return TASKS[recipe.task].load(run)
