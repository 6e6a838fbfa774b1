"""A run directory: everything of one experiment, in files that people can read.

`config.yaml` · `architecture.json` · `search.json` · `metrics.csv` · `theta.npz`, with finalists
`finalists.json` and, for each retraining, `retrain-<seed>/` with a `config.yaml` of its own,
`metrics.csv`, `weights.safetensors` and `result.json`, of inpainting also `restored.npz` with some
test images.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import yaml
from safetensors import SafetensorError

from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray
from pdas.support.environment import environment
from pdas.support.errors import PdasError, RunError, reason
from pdas.support.files import locked, making, read_text, written_whole
from pdas.support.safe_yaml import safe_yaml
from pdas.support.settings import Settings

T = TypeVar("T")

_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    RuntimeError,  # nested too deeply, or an archive packed in an unknown way
    csv.Error,
    yaml.YAMLError,
    zipfile.BadZipFile,
    zlib.error,
    SafetensorError,
)
_REMEDY = "restore it, or search or retrain again"


@contextmanager
def new_directory(path: Path, setting: str) -> Iterator[Path]:
    """Make a directory that must not hold anything yet.

    What was made is removed if a `PdasError` follows, the directories above it too, unless by now
    there are metrics of an epoch, or a checkpoint. Raises `RunError`, which begins with `setting`,
    if the directory holds something, is no directory or cannot be made.
    """
    with making(path, setting):
        _refuse_taken(path, setting)
        made = [above for above in (path, *path.parents) if not above.exists()]
        path.mkdir(parents=True, exist_ok=True)
    with locked(path):
        _refuse_taken(path, setting)  # again, since another process may have been faster
        try:
            yield path
        except PdasError:
            if not any(found for name in ("metrics.csv", "*.ckpt") for found in path.rglob(name)):
                _remove(path, made)
            raise


def _remove(path: Path, made: Sequence[Path]) -> None:
    with suppress(OSError):  # so that it is the first error that is told
        for content in path.iterdir():
            shutil.rmtree(content) if content.is_dir() else content.unlink()
    for above in made:
        with suppress(OSError):  # by now another run may be in it
            above.rmdir()


def _refuse_taken(path: Path, setting: str) -> None:
    if not path.exists() or (path.is_dir() and all(map(_is_partial, path.iterdir()))):
        return
    if Run(path).is_unfinished:
        raise RunError(
            f"{setting}: {path} holds a {Run(path).stage} that has not finished; go on with "
            "--resume, remove it, or give another"
        )
    raise RunError(f"{setting}: {path} already exists and is not empty; give another")


def _is_partial(file: Path) -> bool:
    """Whether it is what a process left that was killed before a first file was whole."""
    return file.suffix == ".part"


class Run:
    """Writes and reads the files of a run directory.

    While a search is under way, any of them but `config.yaml` may still be missing.

    Raises:
        RunError: of one line. What reads a file raises it, with its name, if it is missing or
            damaged. What writes one raises it if it
            cannot be written. `open`, `inner`, `checkpoint_directory`, `architecture_file` and
            `retrained` raise it if there is not what they are asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Run:
        """An existing run; raises `RunError` if `path` is none."""
        if not (Path(path) / "config.yaml").is_file():
            raise RunError(
                f"run: {path} has no config.yaml, expected a directory made by `pdas search` or "
                "`pdas run`; check the path"
            )
        return cls(Path(path))

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    def write_config(
        self,
        recipe: Settings,
        *,
        seed: int,
        data_dir: Path | None,
        about: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Write the resolved recipe, what it is `about` by name, and what it ran on."""
        config = {
            "recipe": recipe.model_dump(mode="json"),
            "seed": seed,
            "data_dir": None if data_dir is None else str(data_dir.resolve()),
            **about,
            "environment": environment(),
        }
        self._write("config.yaml", yaml.safe_dump(config, sort_keys=False))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write `name`, indented."""
        self._write(name, json.dumps(content, indent=2) + "\n")

    def write_metrics(self, rows: Sequence[Mapping[str, float | int]]) -> None:
        """Write `metrics.csv`, a row for each epoch; what an epoch did not measure is empty."""
        text = io.StringIO(newline="")
        # the last row has all columns in order, the first ones none for theta during a warm-up
        columns = dict.fromkeys(name for row in reversed(rows) for name in row)
        writer = csv.DictWriter(text, list(columns))
        writer.writeheader()
        writer.writerows(rows)
        self._write("metrics.csv", text.getvalue())

    def write_theta(
        self, space: SearchSpace, steps: Sequence[int], theta: Sequence[FloatArray]
    ) -> None:
        """Write the history of theta: `steps (T,)`, `theta (T, D, K_max)`, `names`, `sizes`."""
        with written_whole(self.path / "theta.npz") as file:
            np.savez_compressed(
                file,
                steps=np.asarray(steps),
                theta=np.asarray(theta),
                names=np.asarray(space.names),
                sizes=np.asarray(space.sizes),
            )

    def write_architecture(self, architecture: Architecture) -> None:
        """Write `architecture.json`, by which a search has finished."""
        self._write("architecture.json", architecture.to_json() + "\n")

    def _write(self, name: str, text: str) -> None:
        with written_whole(self.path / name) as file:
            file.write(text.encode())

    def raw_config(self) -> dict[str, Any]:
        """All of `config.yaml` as it was written; the recipe need not be valid today."""
        return self.read("config.yaml", parse_config)

    def read_json(self, name: str) -> dict[str, Any]:
        """The JSON object in `name`."""
        return self.read(name, parse_json)

    def read(self, name: str, parse: Callable[[Path], T]) -> T:
        """What `parse` makes of the file `name`; whatever goes wrong becomes one line."""
        file = self.path / name
        try:
            return parse(file)
        except RunError:  # of another file, which this one needs
            raise
        except FileNotFoundError as error:
            raise RunError(f"{file}: missing; {_REMEDY}") from error
        except _DAMAGE as error:
            # Cut short, since torch names every weight that does not fit.
            raise RunError(f"{file}: damaged ({reason(error)}); {_REMEDY}") from error

    @property
    def stage(self) -> str:
        """What made this directory, finished or not: "search", or "retraining" within one."""
        path = self.path.resolve()
        within = path.name.startswith("retrain-") and (path.parent / "config.yaml").is_file()
        return "retraining" if within else "search"

    @property
    def is_unfinished(self) -> bool:
        """Whether this was begun and is not complete, since it is under way or was interrupted."""
        last = "result.json" if self.stage == "retraining" else "architecture.json"
        return self.has_config and not (self.path / last).is_file()

    @property
    def has_config(self) -> bool:
        """Whether this was begun."""
        return (self.path / "config.yaml").is_file()

    @property
    def checkpoint_directory(self) -> Path:
        """Where its training is kept while it runs."""
        return self.inner("checkpoint")

    def inner(self, name: str) -> Path:
        """The directory `name` in this one; raises `RunError` if it is a link to elsewhere."""
        path = self.path / name
        if path.is_symlink():
            raise RunError(
                f"run: {path} is a link, expected a directory of the run's own; remove the link"
            )
        return path

    def remove_checkpoints(self) -> None:
        """Make room, when the training is done and written; a link in their place stays."""
        with suppress(RunError):  # of a link, which rmtree refuses as well
            shutil.rmtree(self.checkpoint_directory, ignore_errors=True)

    def architecture_file(self) -> Path:
        """The file of the found architecture; raises `RunError` if the search has not finished."""
        if self.stage == "retraining":
            raise RunError(
                f"run: {self.path} is a retraining, expected the search that it is of; give "
                f"{self.path.parent}"
            )
        if self.is_unfinished:
            raise RunError(
                f"run: {self.path}: the search has not finished; go on with `pdas search --resume`"
            )
        return self.path / "architecture.json"

    def retrainings(self) -> list[Run]:
        """The finished retrainings, by seed."""
        files = self.path.glob("retrain-*/result.json")
        return [Run(file.parent) for file in sorted(files, key=lambda f: (len(str(f)), str(f)))]

    def retrained(self) -> list[Run]:
        """This one if it is a finished retraining, or else those there are; `RunError` if none."""
        found = [self] if (self.path / "result.json").is_file() else self.retrainings()
        if not found:
            raise RunError(
                f"run: {self.path} holds no finished retraining; `pdas retrain {self.path}` first"
            )
        return found


def parse_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file, for `Run.read`."""
    return _mapping(json.loads(read_text(file)), "the file")


def parse_config(file: Path) -> dict[str, Any]:
    """All of a `config.yaml`, for `Run.read`."""
    config = _mapping(safe_yaml(read_text(file)), "the file")
    return config | {key: _mapping(config.get(key, {}), key) for key in ("recipe", "environment")}


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is {type(value).__name__}, not a mapping")
    return {str(key): item for key, item in value.items()}
