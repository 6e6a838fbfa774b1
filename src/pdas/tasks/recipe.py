"""Recipes: complete, validated configurations of an experiment, one class a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pdas.runs.run import Run, parse_config
from pdas.support.errors import SettingError, short
from pdas.support.settings import LARGEST_SEED, first_difference, flat, validated
from pdas.tasks.classification.recipe import ClassificationRecipe
from pdas.tasks.inpainting.recipe import InpaintingRecipe

Recipe: TypeAlias = ClassificationRecipe | InpaintingRecipe

TASKS: dict[str, type[ClassificationRecipe] | type[InpaintingRecipe]] = {
    "classification": ClassificationRecipe,
    "inpainting": InpaintingRecipe,
}


def check_same(found: Recipe, expected: Recipe, where: str) -> None:
    """Raise `SettingError` for the first setting that is not as it was when `where` was begun.

    All but those that a resumed run may change; see `first_difference`.
    """
    new, old = (flat(each.model_dump(mode="json")) for each in (found, expected))
    name = first_difference(new, old)
    if name is not None:
        raise SettingError(
            f"{name}: found {new.get(name)!r}, expected {old.get(name)!r} as in {where}; give "
            "it as it was, or begin another run"
        )


def as_recipe(values: Mapping[str, Any]) -> Recipe:
    """The recipe of these values; raises `SettingError` for the first that does not fit."""
    task = values.get("task", "classification")
    if not isinstance(task, str) or task not in TASKS:
        raise SettingError(f"task: found {task!r}, expected one of {', '.join(TASKS)}")
    return validated(TASKS[task], values)


def recorded(run: Run) -> tuple[Recipe, int, Path | None]:
    """The recipe, the seed and the data directory of a run, from its `config.yaml`.

    Raises:
        RunError: the file is missing or damaged, or its recipe is not valid today.
    """
    return run.read("config.yaml", _parse_recorded)


def _parse_recorded(file: Path) -> tuple[Recipe, int, Path | None]:
    config = parse_config(file)
    data_dir = config["data_dir"]
    return (
        as_recipe(config["recipe"]),
        _seed(config["seed"]),
        None if data_dir is None else Path(data_dir),
    )


def _seed(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise ValueError(f"the seed is {short(value)}, not one from 0 to {LARGEST_SEED}")
    return value
