"""Recipes: complete, validated configurations of an experiment, one class a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SerializeAsAny, field_validator

from pdas.data.settings import ImageSettings
from pdas.distributed.settings import DeviceSettings
from pdas.runs.reading import parse_config
from pdas.runs.run import Run
from pdas.spaces.base import FAMILIES, FamilySettings
from pdas.support.components import component
from pdas.support.errors import SettingError, short
from pdas.support.refusals import refuse
from pdas.support.settings import (
    LARGEST_SEED,
    Name,
    Settings,
    first_difference,
    flat,
    validated,
)
from pdas.tasks.constraints import TaskSearchSettings
from pdas.training.settings import TrainingSettings


class RetrainSettings(TrainingSettings):
    """The training of the found network, from fresh weights on the whole training set."""

    batch_size: int


class Recipe(Settings):
    """One experiment, complete. A task has a subclass, which gives the groups their defaults.

    Attributes:
        name: part of the name of the run directory.
        description: in a line.
        task: the name of the task.
        data: which images.
        network: the architecture family, by `network.space`, and its settings.
        search, retrain: the two trainings.
        device: where they run.
    """

    name: Name
    description: str = ""
    task: str
    data: ImageSettings
    network: SerializeAsAny[FamilySettings]
    search: TaskSearchSettings
    retrain: RetrainSettings
    device: DeviceSettings = DeviceSettings()

    @field_validator("network", mode="before")
    @classmethod
    def _named_network(cls, value: object) -> FamilySettings:
        default: FamilySettings = cls.model_fields["network"].default

        def settings(name: str) -> type[FamilySettings]:
            return FAMILIES[name].settings

        return component(value, settings, default, key="space")


def as_recipe(values: Mapping[str, Any]) -> Recipe:
    """The recipe of these values; raises `SettingError` for the first that does not fit."""
    from pdas.tasks.base import DEFAULT, TASKS

    kind = TASKS[values.get("task", DEFAULT)]
    return validated(kind.recipe, values)


def check_same(found: Recipe, expected: Recipe, where: str) -> None:
    """Raise `SettingError` for the first setting that is not as it was when `where` was begun.

    All but those that a resumed run may change; see `first_difference`.
    """
    new, old = (flat(each.model_dump(mode="json")) for each in (found, expected))
    name = first_difference(new, old)
    if name is not None:
        refuse(
            SettingError,
            name,
            found=repr(new.get(name)),
            expected=f"{old.get(name)!r} as in {where}",
            remedy="give it as it was, or begin another run",
        )


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
