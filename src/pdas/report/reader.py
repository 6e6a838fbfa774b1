"""What the report needs of a run: a summary of what there is, and the history of the search.

Everything but `config.yaml` may be missing, since a search may be under way, of a method that
has no such file, or not needed at all. The files are read leniently: a recipe of another version
will do.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pdas.experiment.against_random import AgainstRandom
from pdas.experiment.control import compare_with_controls, finished_controls
from pdas.runs.reading import parse_json
from pdas.runs.run import OWN_NETWORK, Run
from pdas.space.categories import starts
from pdas.space.decided import ThetaHistory
from pdas.support.arrays import FloatArray, IntArray
from pdas.support.errors import RunError
from pdas.support.metrics import BASELINES, Metric, is_interval, is_number, with_general
from pdas.support.opening import read_arrays, read_text
from pdas.tasks.results import metrics_of

T = TypeVar("T")
U = TypeVar("U")

OWN_METRICS = (Metric("validation_loss", "validation loss", better="lower"),)
"""Of the training of a network of one's own, whose task is not known."""

LARGEST_DRAWN = 1e100  # of the numbers in metrics.csv
MOST_COLUMNS = 100  # of metrics.csv; each measure has a panel in the plot


@dataclass(frozen=True)
class Summary:
    """The files of a run, in short.

    Attributes:
        run: the run directory.
        recipe, environment: of `config.yaml`.
        others: what `config.yaml` holds beside them.
        metrics: those of the task.
        architecture, search: the content of the files of this name; empty if one is missing.
        look: the content of `last_look.json`, measured by `pdas.searches.looks`; empty without it.
        results: of the finished retrainings, by the names of their directories.
        recipes: that of each of them; empty where its `config.yaml` is missing.
        against_random: how the found architecture compares with controls; None without any.
        has_controls: whether there are finished controls, comparable or not.
        damage: of files that could not be read, a line each; their content is missing above.

    Example:
        read_summary("runs/digits-0").results["retrain-0"]
    """

    run: Run
    recipe: Mapping[str, object]
    environment: Mapping[str, object]
    others: Mapping[str, object]
    metrics: Sequence[Metric]
    architecture: Mapping[str, object]
    search: Mapping[str, object]
    look: Mapping[str, Any]
    results: Mapping[str, Mapping[str, object]]
    recipes: Mapping[str, Mapping[str, object]]
    against_random: AgainstRandom | None
    has_controls: bool = False
    damage: Sequence[str] = ()

    @property
    def is_comparable(self) -> bool:
        """Whether all retrainings had the same settings, so that only their seeds differ."""
        recipes = list(self.recipes.values())
        return all(recipe == recipes[0] for recipe in recipes)

    @property
    def is_own_network(self) -> bool:
        """Whether it is a search in a network of one's own, which has no recipe."""
        return OWN_NETWORK in self.others

    @property
    def nothing_learned(self) -> bool:
        """Whether theta ended as it began; False of a method that has none."""
        return self.search.get("learned") is False


def read_summary(run_dir: str | PathLike[str], lenient: bool = False) -> Summary:
    """Read what the report shows of a run.

    Args:
        run_dir: the run directory.
        lenient: whether a damaged file counts as missing, and is told in `damage`.

    Raises:
        RunError: the directory is no run, or one of its files is damaged.
    """
    damage: list[str] = []

    def kept(read: Callable[[], T], otherwise: U) -> T | U:
        try:
            return read()
        except RunError as error:
            if not lenient:
                raise
            damage.append(str(error))
            return otherwise

    run = Run.open(run_dir)
    config: dict[str, Any] = kept(run.raw_config, {"recipe": {}, "environment": {}})
    recipe, environment = config.pop("recipe"), config.pop("environment")
    metrics = OWN_METRICS if OWN_NETWORK in config else metrics_of(recipe)
    parse = partial(_parse_result, metrics)
    results: dict[str, Mapping[str, object]] = {}
    recipes: dict[str, Mapping[str, object]] = {}
    for each in kept(run.retrainings, []):
        result = kept(partial(each.read, "result.json", parse), None)
        if result is not None:
            results[each.path.name] = result
            recipes[each.path.name] = kept(partial(_recipe_if_there, each), {})
    return Summary(
        run=run,
        recipe=recipe,
        environment=environment,
        others=config,
        metrics=metrics,
        architecture=kept(partial(_read_if_there, run, "architecture.json"), {}),
        search=kept(partial(_read_if_there, run, "search.json"), {}),
        look=kept(partial(_read_if_there, run, "last_look.json"), {}),
        results=results,
        recipes=recipes,
        against_random=kept(partial(compare_with_controls, run), None),
        has_controls=bool(kept(partial(finished_controls, run), ())),
        damage=damage,
    )


@dataclass(frozen=True)
class NamedTheta:
    """The history of theta, with the words for its variables and categories.

    Attributes:
        history: the probabilities.
        names: of the variables, D of them.
        labels: of the categories of each variable; their numbers in files of earlier versions.

    Example:
        read_theta(run).labels[0]
    """

    history: ThetaHistory
    names: Sequence[str]
    labels: Sequence[Sequence[str]]

    @property
    def last(self) -> list[FloatArray]:
        """The probabilities of each variable at the end, shapes (K_i,)."""
        return self.history.last

    def other_labels(self, architecture: Mapping[str, object]) -> int:
        """In how many variables theta prefers another label than an architecture has.

        Args:
            architecture: by the names of these variables.
        """
        preferred = (each[int(p.argmax())] for each, p in zip(self.labels, self.last, strict=True))
        pairs = zip(self.names, preferred, strict=True)
        return sum(str(architecture.get(name, label)) != label for name, label in pairs)


def read_theta(run: Run) -> NamedTheta:
    """The history of theta in `theta.npz`.

    Args:
        run: of a search.

    Raises:
        RunError: the file is missing or damaged.
    """
    return run.read("theta.npz", _parse_theta)


def read_metrics(run: Run) -> dict[str, FloatArray]:
    """The columns of `metrics.csv`, "step" among them; an empty cell is NaN.

    Args:
        run: of a search or a retraining.

    Returns:
        By the name of a column: one number for each epoch.

    Raises:
        RunError: the file is missing or damaged.
    """
    return run.read("metrics.csv", _parse_columns)


def _read_if_there(run: Run, name: str) -> Mapping[str, object]:
    return run.read_json(name) if run.has(name) else {}


def _recipe_if_there(run: Run) -> Mapping[str, object]:
    recipe: Mapping[str, object] = run.raw_config()["recipe"] if run.has_config else {}
    return recipe


def _parse_result(metrics: Sequence[Metric], path: Path) -> Mapping[str, object]:
    result = parse_json(path)
    _check_numbers(result, metrics)
    baselines = result.get(BASELINES, {})
    if not isinstance(baselines, Mapping):
        raise ValueError(f"{BASELINES} is {baselines!r}, not a mapping")
    for name, measures in baselines.items():
        if not isinstance(measures, Mapping):
            raise ValueError(f"{name} is {measures!r}, not a mapping")
        _check_numbers(measures, metrics)
    return result


def _check_numbers(measures: Mapping[str, object], metrics: Sequence[Metric]) -> None:
    for metric in with_general(metrics):
        interval = metric.interval_key
        for key in (metric.key, metric.p95_key):
            if key in measures and not is_number(measures[key]):
                raise ValueError(f"{key} is {measures[key]!r}, not a number")
        if interval in measures and not is_interval(measures[interval]):
            raise ValueError(f"{interval} is {measures[interval]!r}, not two numbers")


def _parse_theta(path: Path) -> NamedTheta:
    words = read_arrays(path, ("names",), optional=("labels",))
    # Files of earlier versions have no bounds.
    arrays = read_arrays(path, ("steps", "theta", "sizes"), optional=("theta_max",))
    if (kind := arrays["theta"].dtype) != np.float64:
        raise ValueError(f"theta is {kind}, not float64")
    arrays.setdefault("theta_max", np.ones(arrays["sizes"].shape))
    steps, theta, sizes, theta_max = (np.asarray(array, float) for array in arrays.values())
    if not (sizes.ndim == 1 and len(sizes) and (sizes >= 1).all()):
        raise ValueError(f"sizes are {sizes}, not one number from 1 for each variable")
    if theta.shape != (*steps.shape, sizes.sum()) or 0 in theta.shape or theta.ndim != 2:
        raise ValueError(
            f"theta is {theta.shape}, expected (T, sum K) for "
            f"steps {steps.shape} and {sizes.sum():g} categories"
        )
    if not (np.isfinite(steps).all() and np.isfinite(theta).all()):
        raise ValueError("steps or theta are not all finite")
    if not (sizes > 1).any():
        raise ValueError("no variable has more than one category")
    if theta_max.shape != sizes.shape or not (theta_max > 1 / sizes)[sizes > 1].all():
        raise ValueError("theta_max does not leave each variable more than uniform probabilities")
    history = ThetaHistory(steps, theta, sizes.astype(int), theta_max)
    return NamedTheta(history, _names(words["names"], len(sizes)), _labels(words, history.sizes))


def _names(array: npt.NDArray[Any], count: int) -> list[str]:
    if array.dtype.kind != "U" or array.shape != (count,):
        raise ValueError(f"names are {array.dtype} {array.shape}, expected {count} texts")
    return [str(name) for name in array]


def _labels(words: Mapping[str, npt.NDArray[Any]], sizes: IntArray) -> list[list[str]]:
    """The labels of each variable; files of earlier versions have none."""
    if "labels" not in words:
        return [[str(number) for number in range(1, size + 1)] for size in sizes]
    parts = np.split(np.array(_names(words["labels"], sizes.sum())), starts(sizes)[1:])
    return [part.tolist() for part in parts]


def _parse_columns(path: Path) -> dict[str, FloatArray]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    columns = next(reader, [])
    if "step" not in columns:
        raise ValueError("no column step")
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"{len(columns)} columns, more than {MOST_COLUMNS}")
    rows = [_numbers(row, len(columns)) for row in reader if row]
    values = dict(zip(columns, np.array(rows).reshape(-1, len(columns)).T, strict=True))
    if not np.isfinite(values["step"]).all():
        raise ValueError("steps are not all finite")
    return values


def _numbers(row: Sequence[str], count: int) -> list[float]:
    """The first numbers of a line; NaN where one is empty, missing, or too large to be drawn."""
    filled = [*row, *[""] * (count - len(row))]
    numbers = [float(text or "nan") for text in filled[:count]]
    return [number if abs(number) <= LARGEST_DRAWN else math.nan for number in numbers]
