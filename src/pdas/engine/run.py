"""A run directory: everything of one experiment, in files that people can read.

`config.yaml` · `architecture.json` · `search.json` · `metrics.csv` · `theta.npz` and, for each
retraining, `retrain-<seed>/` with a `config.yaml` of its own, `metrics.csv`,
`weights.safetensors` and `result.json`.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from pdas._version import __version__
from pdas.errors import PdasError, RunError
from pdas.settings import Recipe
from pdas.space import SearchSpace
from pdas.validated import one_line


@contextmanager
def new_directory(path: Path, setting: str) -> Iterator[Path]:
    """Make a directory that must not hold anything yet.

    It is removed if a `PdasError` follows, with the directories above it that were made for it.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{setting}: {path} already exists and is not empty; name another directory")
    made = [above for above in path.parents if not above.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        raise RunError(f"{setting}: {path} cannot be made ({reason}); name another") from None
    try:
        yield path
    except PdasError:
        shutil.rmtree(path)
        for above in made:
            with suppress(OSError):  # by now another run may be in it
                above.rmdir()
        raise


class Run:
    """Reads and writes the files of a run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Run:
        """An existing run; raises `RunError` if `path` is none."""
        if not (path / "config.yaml").is_file():
            raise RunError(
                f"run: {path} has no config.yaml, expected a directory made by `pdas search` or "
                "`pdas run`; check the path"
            )
        return cls(path)

    def write_config(self, recipe: Recipe, *, seed: int, data_dir: Path | None) -> None:
        """Write the resolved recipe, and what it ran on."""
        config = {
            "recipe": recipe.model_dump(mode="json"),
            "seed": seed,
            "data_dir": None if data_dir is None else str(data_dir.resolve()),
            "environment": environment(),
        }
        (self.path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def config(self) -> tuple[Recipe, int, Path | None]:
        """The recipe, the seed and the data directory."""
        file = self.path / "config.yaml"
        try:
            config = yaml.safe_load(file.read_text())
            data_dir = config["data_dir"]
            recipe = Recipe.model_validate(config["recipe"])
            return recipe, int(config["seed"]), None if data_dir is None else Path(data_dir)
        except ValidationError as error:
            raise RunError(f"{file}: {one_line(error, 'recipe')}") from None
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise RunError(f"{file}: damaged ({reason}); restore it or search again") from None

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `name`, indented."""
        (self.path / name).write_text(json.dumps(content, indent=2) + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Read `name`; raises `RunError` if it is missing or damaged."""
        file = self.path / name
        try:
            content = json.loads(file.read_text())
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise RunError(f"{file}: missing or damaged; search or retrain again")
        return content

    def append_metrics(self, row: Mapping[str, float | int]) -> None:
        """Add a row to `metrics.csv`, which gets its header with the first."""
        file = self.path / "metrics.csv"
        first = not file.exists()
        with file.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, list(row))
            if first:
                writer.writeheader()
            writer.writerow(row)

    def write_theta(
        self, space: SearchSpace, steps: Sequence[int], theta: Sequence[NDArray[np.float64]]
    ) -> None:
        """Write the history of theta: `steps (T,)`, `theta (T, D, K_max)`, `names`, `sizes`."""
        np.savez_compressed(
            self.path / "theta.npz",
            steps=np.asarray(steps),
            theta=np.asarray(theta),
            names=np.asarray(space.names),
            sizes=np.asarray(space.sizes),
        )

    def retrainings(self) -> list[Run]:
        """The finished retrainings, by seed."""
        found = [path for path in self.path.glob("retrain-*") if (path / "result.json").is_file()]
        return [Run(path) for path in sorted(found, key=lambda path: (len(path.name), path.name))]


def environment() -> dict[str, Any]:
    """Versions and hardware, for the record."""
    return {
        "pdas": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
