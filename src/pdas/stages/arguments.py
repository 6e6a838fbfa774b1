"""What the arguments of the stages mean: an experiment with its changes, seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.support.refusals import check_integer, is_integer
from pdas.tasks.recipe import recorded

PathText: TypeAlias = "str | PathLike[str]"


def seeds_of(seeds: int | Sequence[int]) -> list[int]:
    """The seeds of an argument: their number, from 0 on, or themselves.

    Raises:
        SettingError: the number is below 1.
    """
    if is_integer(seeds):
        check_integer("seeds", seeds, 1)
    return list(range(seeds) if isinstance(seeds, int) else seeds)


def as_changes(changes: Mapping[str, Any] | None) -> list[str]:
    """Changes of the form `key=value`; none of None. See `pdas.recipes.as_changes`."""
    return recipes.as_changes({} if changes is None else changes)


def experiment_of(
    recipe: PathText, data_dir: PathText | None, seed: int, changes: Mapping[str, Any] | None
) -> Experiment:
    """The experiment of a recipe with changes; see `run`.

    Raises:
        SettingError: the recipe, a key or a value is unknown.
    """
    chosen = recipes.load(recipe, as_changes(changes))
    return Experiment(chosen, seed, None if data_dir is None else Path(data_dir))


def of_run(
    found: Run, data_dir: PathText | None, seed: int | None, changes: Sequence[str]
) -> Experiment:
    """The experiment that a run was begun with, with changes.

    Args:
        found: the run.
        data_dir: where the images are; None: where they were.
        seed: None: that of the run.
        changes: of the form `key=value`.

    Raises:
        PdasError: the run is damaged, or a change does not fit.
    """
    own, own_seed, own_data_dir = recorded(found)
    recipe = recipes.of_file(own, changes, str(found.path))
    folder = own_data_dir if data_dir is None else Path(data_dir)
    # Only the caller may ask for a download, not the file of a run.
    asked = data_dir is not None or own_data_dir is None
    return Experiment(recipe, own_seed if seed is None else seed, folder, download=asked)
