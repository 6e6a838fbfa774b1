"""What the tasks know of a result: its metrics, and the sections that they add to the report.

A run of an unknown task can be read too: then the metrics and sections of every task are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pdas.support.metrics import Metric
from pdas.tasks.base import TASKS, Quoted, Task
from pdas.tasks.card import CardPart
from pdas.tasks.section import Section


def metrics_of(recipe: Mapping[str, object]) -> tuple[Metric, ...]:
    """The metrics of the task of a recipe.

    Args:
        recipe: its plain data, as in `config.yaml`.
    """
    return tuple(metric for kind in _kinds(recipe) for metric in kind.metrics)


def quoted_of(recipe: Mapping[str, object]) -> Mapping[str, Quoted]:
    """What publications say of methods on the task of a recipe, by the name of a method.

    Args:
        recipe: its plain data, as in `config.yaml`.
    """
    task = recipe.get("task")
    return TASKS[task].quoted if isinstance(task, str) and task in TASKS else {}


def well_known_of(recipe: Mapping[str, object]) -> str | None:
    """A network that people know, with which what a recipe finds can be compared.

    Args:
        recipe: its plain data, as in `config.yaml`.
    """
    task = recipe.get("task")
    return TASKS[task].well_known if isinstance(task, str) and task in TASKS else None


def sections_of(
    recipe: Mapping[str, object], run_path: Path, result: Mapping[str, object]
) -> list[Section]:
    """What the task of a recipe adds to the report on a retrained network.

    Args:
        recipe: its plain data, as in `config.yaml`.
        run_path: the directory of the retraining; pictures are drawn into it.
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the result makes no sense.
        RunError: another file of the retraining is damaged.
    """
    return [section for kind in _kinds(recipe) for section in kind.sections(run_path, result)]


def card_of(recipe: Mapping[str, object], result: Mapping[str, object]) -> CardPart:
    """What the task of a recipe says in the model card of a retrained network.

    Args:
        recipe: its plain data, as in `config.yaml`.
        result: the content of `result.json`.

    Raises:
        ValueError, LookupError: the task is unknown, or the result makes no sense.
    """
    return TASKS[str(recipe.get("task"))].card(result)


def _kinds(recipe: Mapping[str, object]) -> list[Task]:
    task = recipe.get("task")
    if isinstance(task, str) and task in TASKS:
        return [TASKS[task]]
    return [TASKS[name] for name in TASKS.names()]
