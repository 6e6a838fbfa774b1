"""Reading a run directory: the files of an experiment as plain values.

Everything but `config.yaml` may be missing, since a search may be under way, of the method
"random", or not needed at all. A file that is there and cannot be read is an error that names it.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray

from pdas.errors import RunError

Floats = NDArray[np.float64]
T = TypeVar("T")

FIGURES = ("test_error", "params")  # of a result: percent, and the number of weights

_DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError)


@dataclass(frozen=True)
class Retraining:
    """A finished retraining: the name of its directory and what `result.json` says."""

    name: str
    result: Mapping[str, object]


@dataclass(frozen=True)
class Run:
    """What a run directory says; `architecture` and `search` are empty if their file is missing.

    `others` is what `config.yaml` holds beside the recipe and the environment.
    """

    path: Path
    recipe: Mapping[str, object]
    environment: Mapping[str, object]
    others: Mapping[str, object]
    architecture: Mapping[str, object]
    search: Mapping[str, object]
    retrainings: tuple[Retraining, ...]

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name


@dataclass(frozen=True)
class ThetaHistory:
    """The largest probability of every variable with a choice, over the search.

    Attributes:
        steps: `(T,)`.
        largest: max_j theta_ij, `(T, D)`.
        uniform: the mean over the D variables of 1/K_i, where the search starts.
    """

    steps: Floats
    largest: Floats
    uniform: float


def read_run(run_dir: str | PathLike[str]) -> Run:
    """Read a run directory. Raises RunError if it is none or one of its files is damaged."""
    path = run_path(run_dir)
    config = _read(path / "config.yaml", _parse_config)
    results = path.glob("retrain-*/result.json")
    return Run(
        path=path,
        **config,
        architecture=_read_if_there(path / "architecture.json"),
        search=_read_if_there(path / "search.json"),
        retrainings=tuple(
            Retraining(file.parent.name, _read(file, _parse_result))
            for file in sorted(results, key=lambda file: (len(file.parent.name), file))
        ),
    )


def run_path(run_dir: str | PathLike[str]) -> Path:
    """The path of a run directory. Raises RunError if it is none."""
    path = Path(run_dir)
    if not (path / "config.yaml").is_file():
        found = "no config.yaml in it" if path.is_dir() else "no such directory"
        raise RunError(
            f"{path}: not a run directory ({found}); "
            "name one that `pdas search` or `pdas run` has written"
        )
    return path


def read_architecture(run_dir: str | PathLike[str]) -> Mapping[str, object]:
    """The architecture of a run, {variable: label}. Raises RunError if it is missing or damaged."""
    return _read(run_path(run_dir) / "architecture.json", _parse_object)


def read_theta(run_dir: str | PathLike[str]) -> ThetaHistory:
    """The history in `theta.npz`. Raises RunError if it is missing or damaged."""
    return _read(run_path(run_dir) / "theta.npz", _parse_theta)


def read_metrics(run_dir: str | PathLike[str], columns: Sequence[str]) -> dict[str, Floats]:
    """These columns of `metrics.csv`, empty cells as NaN. Raises RunError."""
    return _read(run_path(run_dir) / "metrics.csv", lambda file: _parse_columns(file, columns))


def _read(path: Path, parse: Callable[[Path], T]) -> T:
    """What `parse` makes of a file; whatever goes wrong becomes one line that names the file."""
    try:
        return parse(path)
    except FileNotFoundError as error:
        raise RunError(f"{path}: missing; run the search that writes it, or restore it") from error
    except (*_DAMAGE, yaml.YAMLError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RunError(f"{path}: damaged ({reason}); restore it or run again") from error


def _read_if_there(path: Path) -> Mapping[str, object]:
    return _read(path, _parse_object) if path.exists() else {}


def _parse_config(path: Path) -> dict[str, Mapping[str, object]]:
    config = _mapping(yaml.safe_load(path.read_text(encoding="utf-8")), "the file")
    parts = {key: _mapping(config.pop(key, {}), key) for key in ("recipe", "environment")}
    return {**parts, "others": config}


def _parse_object(path: Path) -> Mapping[str, object]:
    return _mapping(json.loads(path.read_text(encoding="utf-8")), "the file")


def _parse_result(path: Path) -> Mapping[str, object]:
    result = _parse_object(path)
    for key in FIGURES:
        if key in result and not is_number(result[key]):
            raise ValueError(f"{key} is {result[key]!r}, not a number")
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


def _parse_columns(path: Path, columns: Sequence[str]) -> dict[str, Floats]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}")
    return {column: np.array([float(row[column] or "nan") for row in rows]) for column in columns}


def _mapping(value: Any, what: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is {type(value).__name__}, not a mapping")
    return {str(key): item for key, item in value.items()}


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a JSON file is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
