"""What is checked before the first run of a comparison: that its rows fit, and may begin.

Nothing is trained here, and no file is written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pdas.comparing.rows import PLAIN, Row, every_name, row
from pdas.experiment.experiment import Experiment
from pdas.experiment.preparation import Opened, Prepared, open_all, prepare
from pdas.methods.planning.search_plan import whole_cost
from pdas.searches.arguments import make_plan
from pdas.support.errors import SettingError
from pdas.support.random_state import random_state, set_random_state


def checked_passes(
    experiment: Experiment, rows: Sequence[Row], opened: Opened, budget: str
) -> dict[str, float]:
    """Check rows, and plan their searches.

    Args:
        experiment: of the comparison.
        rows: those that have runs to do.
        opened: the data of the comparison on its devices.
        budget: of the comparison.

    Returns:
        The training passes of a search by the name of its row; 0 where nothing is searched.

    Raises:
        SettingError: a method does not fit the task or the space, its budget is too small, or the
            weights of a network cannot be fetched.
    """
    state = random_state(device=opened.fabric.device)
    try:
        return {each.name: _passes(experiment, each, opened, budget) for each in rows}
    finally:
        set_random_state(state, device=opened.fabric.device)


def fitting(experiment: Experiment, opened: Opened, budget: str) -> list[str]:
    """The names of all rows with a search that fit the task and the space of a recipe.

    Args:
        experiment: of the comparison.
        opened: its data on its devices.
        budget: of the comparison.
    """
    found = []
    for name in every_name():
        try:
            _prepared(row(name, experiment.recipe, budget), opened)
        except SettingError:
            continue
        found.append(name)
    return found


def _passes(experiment: Experiment, each: Row, opened: Opened, budget: str) -> float:
    if each.name.startswith(PLAIN):
        return _check_plain(experiment, each)
    try:
        prepared = _prepared(each, opened)
    except SettingError as error:
        fits = ", ".join(fitting(experiment, opened, budget)) or "none"
        raise SettingError(
            f"--methods: {each.name} does not fit {experiment.recipe.name} ({error}); expected "
            f"some of {fits}"
        ) from None
    try:
        return _planned_passes(prepared, each, opened)
    except SettingError as error:
        raise SettingError(f"--methods: {each.name}: {error}") from None


def _prepared(each: Row, opened: Opened) -> Prepared:
    """The search of a row on the data of the comparison, which is the same for all rows."""
    return prepare(each.recipe, 0, opened, Path(os.devnull))


def _planned_passes(prepared: Prepared, each: Row, opened: Opened) -> float:
    if prepared.network is None:
        return 0.0
    search, batches = each.recipe.search, prepared.batches
    plan = make_plan(prepared.method, prepared.network, opened.task.loss, search, batches)
    return whole_cost(plan, len(batches[1]))


def _check_plain(experiment: Experiment, each: Row) -> float:
    """Make the network once, so that published weights are fetched before anything begins."""
    own = open_all(each.recipe, experiment.data_dir, experiment.download)
    try:
        found = _prepared(each, own).method.best()
        own.task.retraining(found, 0)
    except SettingError as error:
        raise SettingError(f"--methods: {each.name}: {error}") from None
    return 0.0
