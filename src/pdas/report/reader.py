"""What the report needs of a run: a summary of what is there so far, and the history of the search.

Everything but `config.yaml` may be missing, since a search may be under way, of the method
"random", or not needed at all. The files are read leniently: a recipe of another version will do.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from pdas.report.quality import read_qualities
from pdas.report.values import is_number
from pdas.runs.run import Run, parse_json
from pdas.support.arrays import FloatArray

FIGURES = ("test_error", "params")  # of a result: percent, and the number of weights


@dataclass(frozen=True)
class Summary:
    """What a run has come to; `architecture` and `search` are empty if their file is missing.

    `others` is what `config.yaml` holds beside the recipe and the environment; `results` are those
    of the finished retrainings, by the names of their directories, and `recipes` what each of them
    was told, empty where its `config.yaml` is missing.
    """

    run: Run
    recipe: Mapping[str, object]
    environment: Mapping[str, object]
    others: Mapping[str, object]
    architecture: Mapping[str, object]
    search: Mapping[str, object]
    results: Mapping[str, Mapping[str, object]]
    recipes: Mapping[str, Mapping[str, object]]

    @property
    def is_comparable(self) -> bool:
        """Whether all retrainings had the same settings, so that only their seeds differ."""
        recipes = list(self.recipes.values())
        return all(recipe == recipes[0] for recipe in recipes)


@dataclass(frozen=True)
class ThetaHistory:
    """The largest probability of every variable with a choice, over the search.

    Attributes:
        steps: `(T,)`.
        largest: max_j theta_ij, `(T, D)`.
        uniform: the mean over the D variables of 1/K_i, where the search starts.
    """

    steps: FloatArray
    largest: FloatArray
    uniform: float


def read_summary(run_dir: str | PathLike[str]) -> Summary:
    """Sum up a run directory. Raises RunError if it is none or one of its files is damaged."""
    run = Run.open(run_dir)
    config = run.raw_config()
    retrainings = run.retrainings()
    return Summary(
        run=run,
        recipe=config.pop("recipe"),
        environment=config.pop("environment"),
        others=config,
        architecture=_read_if_there(run, "architecture.json"),
        search=_read_if_there(run, "search.json"),
        results={each.path.name: each.read("result.json", _parse_result) for each in retrainings},
        recipes={each.path.name: _recipe_if_there(each) for each in retrainings},
    )


def read_theta(run: Run) -> ThetaHistory:
    """The history in `theta.npz`. Raises RunError if it is missing or damaged."""
    return run.read("theta.npz", _parse_theta)


def read_metrics(
    run: Run, columns: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, FloatArray]:
    """These columns of `metrics.csv`, empty cells as NaN, as those of an optional one may all be.

    Raises RunError.
    """
    return run.read("metrics.csv", lambda file: _parse_columns(file, columns, optional))


def _read_if_there(run: Run, name: str) -> Mapping[str, object]:
    return run.read_json(name) if (run.path / name).exists() else {}


def _recipe_if_there(run: Run) -> Mapping[str, object]:
    there = (run.path / "config.yaml").exists()
    recipe: Mapping[str, object] = run.raw_config()["recipe"] if there else {}
    return recipe


def _parse_result(path: Path) -> Mapping[str, object]:
    result = parse_json(path)
    for key in FIGURES:
        if key in result and not is_number(result[key]):
            raise ValueError(f"{key} is {result[key]!r}, not a number")
    read_qualities(result)
    return result


def _parse_theta(path: Path) -> ThetaHistory:
    with path.open("rb") as stream:  # which np.load would leave open after an error
        file = np.load(stream, allow_pickle=False)
        steps, theta, sizes = (np.asarray(file[key], float) for key in ("steps", "theta", "sizes"))
    if theta.ndim != 3 or theta.shape[:2] != (*steps.shape, *sizes.shape) or 0 in theta.shape:
        raise ValueError(
            f"theta is {theta.shape}, expected (T, D, Kmax) for "
            f"steps {steps.shape} and sizes {sizes.shape}"
        )
    if not (np.isfinite(steps).all() and np.isfinite(theta).all()):
        raise ValueError("steps or theta are not all finite")
    chosen = sizes > 1
    if not chosen.any():
        raise ValueError("no variable has more than one category")
    return ThetaHistory(steps, theta[:, chosen].max(axis=2), float((1 / sizes[chosen]).mean()))


def _parse_columns(
    path: Path, columns: Sequence[str], optional: Sequence[str]
) -> dict[str, FloatArray]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}")
    return {
        column: np.array([float(row.get(column) or "nan") for row in rows])
        for column in (*columns, *optional)
    }
