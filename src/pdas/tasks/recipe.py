"""Recipes: complete, validated configurations of an experiment, one class a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator
from typing_extensions import Self

from pdas.data.settings import ImageSettings
from pdas.distributed.settings import DeviceSettings
from pdas.methods.settings import without_unused
from pdas.runs.reading import parse_config
from pdas.runs.run import OWN_NETWORK, Run
from pdas.spaces.base import FAMILIES, FamilySettings
from pdas.support.components import component
from pdas.support.errors import RunError, SettingError, short
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
    """The training of the found network, from fresh weights on the whole training set.

    Example:
        RetrainSettings(epochs=20, batch_size=32)
    """

    batch_size: int
    base_batch: int | None = Field(None, ge=1)  # that the rate is for; it is scaled to batch_size
    ema: float = Field(0.0, ge=0, lt=1)  # decay a step of averaged weights; 0: none

    def scaled(self) -> Self:
        """These, with the learning rate multiplied by `batch_size / base_batch` if that is set.

        The linear rule of Goyal et al., "Accurate, Large Minibatch SGD", 2017.
        """
        if self.base_batch is None:
            return self
        rate = self.optimizer.learning_rate * self.batch_size / self.base_batch
        optimizer = self.optimizer.model_copy(update={"learning_rate": rate})
        return self.model_copy(update={"optimizer": optimizer})


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

    Example:
        recipe = recipes.load("digits", ["search.epochs=10"])
        recipe.search.epochs
    """

    name: Name
    description: str = ""
    task: str
    data: ImageSettings
    network: FamilySettings
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
    """Make the recipe of a task from plain data.

    Args:
        values: as in a YAML file; "task" names the task, default `DEFAULT`.

    Raises:
        SettingError: for the first value that does not fit.
    """
    from pdas.tasks.base import DEFAULT, TASKS

    kind = TASKS[values.get("task", DEFAULT)]
    return validated(kind.recipe, values)


def check_same(found: Recipe, expected: Recipe, where: str) -> None:
    """Refuse to resume a run with other settings.

    Args:
        found: the recipe now.
        expected: that of the run.
        where: the directory of the run, for the message.

    Raises:
        SettingError: for the first setting that differs, apart from those that a resumed run may
            change; see `first_difference`.
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
    """Read what a run was begun with, from its `config.yaml`.

    Returns:
        The recipe, the seed and the data directory.

    Raises:
        RunError: the file is missing or damaged, or its recipe is not valid today.
    """
    return run.read("config.yaml", _parse_recorded)


def _parse_recorded(file: Path) -> tuple[Recipe, int, Path | None]:
    config = parse_config(file)
    if OWN_NETWORK in config:
        found = f"the search in a network of one's own, {short(config[OWN_NETWORK])}"
        remedy = "in Python use pdas.retrain(net.derive(architecture), ...)"
        raise RunError(f"run: {file.parent} is {found}, expected that of a recipe; {remedy}")
    recipe, data_dir = config["recipe"], config["data_dir"]
    if isinstance(search := recipe.get("search"), Mapping):  # which once had settings without use
        recipe = recipe | {"search": without_unused(search)}
    return (
        as_recipe(recipe),
        _seed(config["seed"]),
        None if data_dir is None else Path(data_dir),
    )


def _seed(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise ValueError(f"the seed is {short(value)}, not one from 0 to {LARGEST_SEED}")
    return value
