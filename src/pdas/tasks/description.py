"""What a derived network is, as plain data: the file `network.json` of an export.

The file and this library are all that it takes to build the network again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import PositiveInt, model_validator
from torch import nn
from typing_extensions import Self

from pdas._version import __version__
from pdas.space import Label
from pdas.spaces.base import FAMILIES
from pdas.support.errors import PdasError, RunError, reason
from pdas.support.refusals import refusal
from pdas.support.settings import Settings
from pdas.tasks.base import TASKS

FORMAT: Literal[2] = 2  # the next one when a field is added, removed or changes its meaning


class Description(Settings, ABC):
    """A network and its images; a task has a subclass.

    Attributes:
        output_name: of the output in files of programs.
        task, family: names of what the network is for, and of its architecture family.
        architecture: its labels.
        network: the size, as the family knows it.
        image_shape: (C, H, W), as trained.
        input, output: what goes in and comes out, in words.
    """

    output_name: ClassVar[str]

    format: Literal[2] = FORMAT
    pdas: str = __version__
    task: str
    family: str
    architecture: dict[str, Label]
    network: dict[str, Any]
    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt]
    input: str
    output: str

    @model_validator(mode="after")
    def _is_of_its_family(self) -> Self:
        family = FAMILIES[self.family]
        if not family.recognises(self.architecture):
            raise ValueError(f"architecture: found other variables than those of {self.family}")
        channels, outputs = family.interface(family.parsed_size(self.network))
        for name, found, expected in (
            ("image_shape", self.image_shape[0], channels),
            *((each, len(values), count) for each, values, count in self.lengths(outputs)),
        ):
            if found != expected:
                raise ValueError(f"{name}: found {found}, expected {expected} as in network")
        return self

    def lengths(self, outputs: int) -> list[tuple[str, Any, int]]:
        """Fields of a subclass that must have a certain length: name, value, length."""
        return []

    def build(self) -> nn.Module:
        """The plain network, with fresh weights."""
        family = FAMILIES[self.family]
        return family.network(self.architecture, family.parsed_size(self.network))

    @abstractmethod
    def program(self, network: nn.Module) -> nn.Module:
        """The network with what its images need before and after it, as a single module.

        Programs take images float32 `(N, C, H, W)` in [0, 1], so nothing else has to be known.
        """


def read_network(path: str | Path) -> nn.Module:
    """The plain network that the `network.json` of an export describes, with fresh weights.

    Its own come by `load_state_dict(torch.load("state_dict.pt", weights_only=True))`; like every
    new module it is in training mode.

    Args:
        path: the file.

    Raises:
        RunError: the file is missing or damaged, or of a format that is not known.

    Example:
        network = pdas.read_network("runs/digits-0/retrain-0/export-state_dict/network.json")
    """
    expected = "the network.json of an export"
    try:
        return _described(_read(Path(path))).build()
    except FileNotFoundError:
        raise RunError(f"{path}: missing, expected {expected}; check the path") from None
    except (PdasError, OSError, ValueError, RuntimeError) as error:
        found = f"no description of a network ({reason(error)})"
        raise refusal(
            RunError, str(path), found=found, expected=expected, remedy="export the run again"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"a {type(found).__name__}, not an object")
    return found


def _described(found: dict[str, Any]) -> Description:
    if found.get("format") != FORMAT:
        raise ValueError(
            f"format {found.get('format')!r} of pdas {found.get('pdas')}, while pdas {__version__} "
            f"reads format {FORMAT}"
        )
    description: Description = TASKS[str(found.get("task"))].description(found)
    return description
