"""A run directory: everything of one experiment, in files that people can read.

`config.yaml` · `architecture.json` · `search.json` · `metrics.csv` · `theta.npz`, with finalists
`finalists.json` and, for each retraining, `retrain-<seed>/` with a `config.yaml` of its own,
`metrics.csv`, `weights.safetensors` and `result.json`, and what its task adds, such as images.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import yaml

from pdas.runs.metrics import metrics_text
from pdas.runs.reading import has_file, names_in, parse_config, parse_json, read_file
from pdas.space import Architecture, SearchSpace
from pdas.space.decided import ThetaHistory
from pdas.support.display.shown import Shown
from pdas.support.errors import RunError
from pdas.support.settings import Settings
from pdas.support.writing.own_files import OwnFiles

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

OWN_NETWORK = "own_network"
"""In `config.yaml`, of a search without a recipe: the class of the network."""

AVERAGED = "averaged.safetensors"
"""The averaged weights of a retraining, beside `weights.safetensors`."""

_INNER = (("retrain-", "config.yaml"), ("seed-", "sweep.json"))
"""How the names of directories within a run and a sweep begin, and a file beside them."""


class Run(Shown):
    """Writes and reads the files of a run directory.

    While a search is under way, any of them but `config.yaml` may still be missing.

    Args:
        path: the directory.
        writes: whether it writes. Of several ranks only the first does; on the others whatever
            would write or remove a file does nothing.

    Attributes:
        path, writes: the same.

    Raises:
        RunError: with a message of one line. A method that reads a file raises it if the file is
            missing or damaged. A method that writes one raises it if that fails.

    Example:
        run = Run.open("runs/digits-0")
        run.read_json("search.json")["seconds"]
    """

    def __init__(self, path: str | PathLike[str], writes: bool = True) -> None:
        self.path = Path(path)
        self.writes = writes
        self._files = OwnFiles(self.path)

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Run:
        """An existing run.

        Args:
            path: of its directory. It may be a link, but not one within a run or a sweep, which may
                be from someone else.

        Raises:
            RunError: there is no `config.yaml` in it, or it is such a link.
        """
        run = cls(Path(path))
        if not run.has_config:
            expected = "expected a directory made by `pdas search` or `pdas run`; check the path"
            raise RunError(f"run: {path} has no config.yaml, {expected}")
        around = cls(run.path.parent)
        if any(run.path.name.startswith(name) and around.has(file) for name, file in _INNER):
            around.inner(run.path.name)
        return run

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    # ---- writing

    def write_config(
        self,
        recipe: Settings,
        *,
        seed: int,
        data_dir: Path | None,
        about: Mapping[str, Any] = MappingProxyType({}),
        kernels: str | None = None,
    ) -> None:
        """Write `config.yaml`: the resolved recipe, and what it ran on.

        Args:
            recipe: all its settings.
            seed: of the stage.
            data_dir: of the images; None if they are installed with a package.
            about: what else to write, by name.
            kernels: which operators its network uses; None if it has no choice of them.
        """
        from pdas.support.environment import environment  # asks torch

        config = {
            "recipe": recipe.model_dump(mode="json"),
            "seed": seed,
            "data_dir": None if data_dir is None else str(data_dir.resolve()),
            **about,
            "environment": environment() | ({} if kernels is None else {"kernels": kernels}),
        }
        self._write("config.yaml", yaml.safe_dump(config, sort_keys=False))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a file of JSON, indented.

        Args:
            name: of the file.
            content: plain data.
        """
        self._write(name, json.dumps(content, indent=2) + "\n")

    def write_metrics(self, rows: Sequence[Mapping[str, float | int]]) -> None:
        """Write `metrics.csv`, a row for each epoch.

        Args:
            rows: by column; the cell of what an epoch did not measure is empty.
        """
        self._write("metrics.csv", metrics_text(rows))

    def write_theta(self, space: SearchSpace, history: ThetaHistory) -> None:
        """Write the history of theta, `theta.npz`.

        Args:
            space: of theta, whose names and labels, variable after variable, are written too.
            history: all of it until now.
        """
        labels = [str(label) for name in space for label in space[name]]
        words = {"names": np.asarray(space.names), "labels": np.asarray(labels)}
        self.write_arrays("theta.npz", **words, **vars(history))

    def write_arrays(self, name: str, /, **arrays: Any) -> None:
        """Write arrays into an archive of numpy.

        Args:
            name: of the file, with the suffix `.npz`.
            arrays: by name.
        """
        if self.writes:
            with self._files.write(name) as file:
                np.savez_compressed(file, **arrays)

    def write_architecture(self, architecture: Architecture) -> None:
        """Write `architecture.json`, the last file of a search, by which it counts as finished.

        Args:
            architecture: the one that was found.
        """
        self._write("architecture.json", architecture.to_json() + "\n")

    def write_weights(self, network: nn.Module, name: str = "weights.safetensors") -> None:
        """Write a file of weights.

        Args:
            network: whose weights are saved.
            name: of the file.
        """
        from pdas.runs.weights import save_weights  # needs torch

        if self.writes:
            save_weights(network, self.path / name)

    def remove_checkpoints(self) -> None:
        """Remove the checkpoints when the training is finished; a link in their place stays."""
        from pdas.resume.checkpoint import Checkpoints  # needs torch

        if self.writes:
            with suppress(RunError):  # of a link
                Checkpoints(self.checkpoint_directory).remove()

    def remove_written(self) -> None:
        """Remove the texts and arrays that this object has written, and nothing else."""
        self._files.remove()

    def _write(self, name: str, text: str) -> None:
        if self.writes:
            with self._files.write(name) as file:
                file.write(text.encode())

    # ---- reading

    def raw_config(self) -> dict[str, Any]:
        """All of `config.yaml` as it was written; the recipe need not be valid today."""
        return self.read("config.yaml", parse_config)

    def read_json(self, name: str) -> dict[str, Any]:
        """The JSON object in a file of the run.

        Args:
            name: of the file.
        """
        return self.read(name, parse_json)

    def read(self, name: str, parse: Callable[[Path], T]) -> T:
        """What a function makes of a file of the run; whatever goes wrong becomes a `RunError`.

        Args:
            name: of the file.
            parse: reads the file at a path.
        """
        return read_file(self.path / name, parse)

    # ---- what there is

    @property
    def stage(self) -> str:
        """What made this directory, finished or not: "search", or "retraining" within one."""
        path = self.path.resolve()
        within = path.name.startswith("retrain-") and Run(path.parent).has_config
        return "retraining" if within else "search"

    @property
    def is_unfinished(self) -> bool:
        """Whether this was begun and is not complete, since it is under way or was interrupted."""
        last = "result.json" if self.stage == "retraining" else "architecture.json"
        return self.has_config and not self.has(last)

    @property
    def has_config(self) -> bool:
        """Whether this was begun."""
        return self.has("config.yaml")

    def has(self, name: str) -> bool:
        """Whether there is a file of this name.

        Args:
            name: of the file.
        """
        return has_file(self.path / name)

    @property
    def checkpoint_directory(self) -> Path:
        """Where the training keeps its checkpoints while it runs.

        Raises:
            RunError: it is a link.
        """
        return self.inner("checkpoint")

    def inner(self, name: str) -> Path:
        """The directory of this name in this one.

        Args:
            name: of the directory, which need not exist.

        Raises:
            RunError: it is a link, which may lead elsewhere.
        """
        path = self.path / name
        if os.path.islink(path):
            expected = "expected a directory of the run's own; remove the link"
            raise RunError(f"run: {path} is a link, {expected}")
        return path

    @property
    def _how_to_retrain(self) -> str:
        own = self.has_config and OWN_NETWORK in self.raw_config()
        return "use `pdas.retrain` in Python" if own else f"`pdas retrain {self.path}`"

    def architecture_file(self) -> Path:
        """The file of the architecture that was found.

        Raises:
            RunError: the search has not finished, or this is a retraining.
        """
        if self.stage == "retraining":
            expected = f"expected the search that it is of; give {self.path.parent}"
            raise RunError(f"run: {self.path} is a retraining, {expected}")
        if self.is_unfinished:
            state = "the search has not finished; continue with `pdas search --resume`"
            raise RunError(f"run: {self.path}: {state}")
        return self.path / "architecture.json"

    def retrainings(self) -> list[Run]:
        """The finished retrainings, by seed; one that is a link is refused."""
        names = [name for name in names_in(self.path) if name.startswith("retrain-")]
        finished = [name for name in names if self.has(f"{name}/result.json")]
        return [Run(self.inner(name)) for name in sorted(finished, key=lambda n: (len(n), n))]

    def retrained(self) -> list[Run]:
        """This run if it is a finished retraining, else the finished retrainings in it.

        Raises:
            RunError: there is none.
        """
        retrained = [self] if self.has("result.json") else self.retrainings()
        if not retrained:
            state = f"holds no finished retraining; {self._how_to_retrain} first"
            raise RunError(f"run: {self.path} {state}")
        return retrained
