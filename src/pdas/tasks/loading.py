"""From a recipe or a run to what belongs to its task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdas.runs.run import Run
from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces.base import FAMILIES
from pdas.tasks.base import TASKS, OpenedTask
from pdas.tasks.recipe import Recipe, recorded

if TYPE_CHECKING:
    import torch


def open_task(
    recipe: Recipe, data_dir: Path | None, device: torch.device, download: bool = True
) -> OpenedTask:
    """Load the data of a recipe.

    Args:
        data_dir: where the images are, for data sets that need it.
        device: where the images go.
        download: whether a data set may be written into `data_dir`.

    Returns:
        The task of the recipe.

    Raises:
        DataError, SettingError: the data is missing or broken, or does not fit the settings.
    """
    return TASKS[recipe.task].open(recipe, data_dir, device, download)


def recipe_space(recipe: Recipe) -> SearchSpace:
    """The space that a recipe searches."""
    return FAMILIES[recipe.network.space].space(recipe.network)


def fitted(recipe: Recipe, labels: Mapping[str, Label]) -> tuple[Recipe, Architecture]:
    """Enlarge the space of a recipe for an architecture of elsewhere.

    Args:
        labels: of the architecture, as in `architecture.json`.

    Returns:
        The recipe with as large a space as the labels need, and the architecture in that space.

    Raises:
        SpaceError: they are not of the recipe's family and choices.
    """
    network = FAMILIES[recipe.network.space].fitted(recipe.network, labels)
    larger = recipe.model_copy(update={"network": network})
    return larger, recipe_space(larger).architecture(labels)


def load(path: str | Path | Run) -> Any:
    """Load a retrained network.

    Args:
        path: a run or its directory, of which the first retraining is used, or one
            `retrain-<seed>/`.

    Returns:
        What the task of the run offers to users, as a `Classifier`.

    Raises:
        RunError: there is no finished retraining, or its files are damaged.

    Example:
        classifier = pdas.load("runs/folder-0")
        classifier.predict("photo.jpg")
    """
    run = (path if isinstance(path, Run) else Run.open(path)).retrained()[0]
    recipe, _, _ = recorded(run)
    return TASKS[recipe.task].load(run)
