"""What the tasks know of a result: its metrics, and the sections that they add to the report.

A run of an unknown task can be read too: then the metrics and sections of every task are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pdas.support.metrics import Metric
from pdas.tasks.base import TASKS, Quoted, Task
from pdas.tasks.card import CardPart
from pdas.tasks.section import Section

_PREFIX = "averaged_"  # of the metrics of averaged weights


def metrics_of(recipe: Mapping[str, object]) -> tuple[Metric, ...]:
    """The metrics of the task of a recipe.

    Args:
        recipe: its plain data, as in `config.yaml`.
    """
    own = [metric for kind in _kinds(recipe) for metric in kind.metrics]
    return (*own, *(_averaged(metric) for metric in own if metric.better))


def of_averaged(measured: Mapping[str, object], metrics: Sequence[Metric]) -> dict[str, object]:
    """What `result.json` says of averaged weights, beside the measures of the last ones.

    Args:
        measured: of the network with the averaged weights.
        metrics: of its task, from `metrics_of`.
    """
    keys = {metric.key for metric in metrics}
    named = {_PREFIX + key: value for key, value in measured.items()}
    return {key: value for key, value in named.items() if key in keys}


def _averaged(metric: Metric) -> Metric:
    return replace(
        metric, key=_PREFIX + metric.key, label=f"{metric.label}, averaged weights", hides=None
    )


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
