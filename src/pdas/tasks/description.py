"""What a derived network is, as plain data: the file `network.json` of an export.

The file and this library are all that it takes to build the network again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from pdas._version import __version__
from pdas.space import Label
from pdas.spaces.base import FAMILIES, FamilySettings
from pdas.support.errors import PdasError, RunError, reason
from pdas.support.opening import read_text
from pdas.support.plain_data import safe_json
from pdas.support.refusals import refusal
from pdas.support.settings import LARGEST_SIDE, Settings
from pdas.tasks.base import TASKS
from pdas.tasks.image_tasks.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import nn

FORMAT: Literal[3] = 3  # the next one when a field is added, removed or changes its meaning

Side: TypeAlias = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]  # pixels, or channels


class Description(Settings, ABC):
    """A network and its images; a task has a subclass.

    Attributes:
        output_name: the name of the output in files of programs.
        format: of the file.
        pdas: the version that wrote it.
        task: what the network is for.
        network: its size, which names its architecture family.
        architecture: its labels.
        image_shape: (C, H, W) of the images that it was trained with.
        preprocessing: how an image becomes one of these.
        input, output: what it takes and returns, in words.

    Example:
        description = pdas.load("runs/digits-0").description()
        description.build()
    """

    output_name: ClassVar[str]

    format: Literal[3] = FORMAT
    pdas: str = __version__
    task: str
    network: FamilySettings
    architecture: dict[str, Label]
    image_shape: tuple[Side, Side, Side]
    preprocessing: Preprocessing = Preprocessing()
    input: str
    output: str

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Channels of the output, see `Family.size`."""

    @field_validator("network", mode="before")
    @classmethod
    def _of_its_family(cls, value: object) -> FamilySettings:
        if isinstance(value, FamilySettings):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("expected the size of a network, a mapping")
        size: FamilySettings = FAMILIES[str(value.get("space"))].parsed_size(value)
        return size

    @model_validator(mode="after")
    def _fits(self) -> Self:
        family = FAMILIES[self.network.space]
        family.space(self.network).architecture(self.architecture)
        use = f"images of shape {self.image_shape} and {self.outputs} outputs"
        try:
            fitting = dict(family.size(self.network, self.image_shape, self.outputs))
        except PdasError as error:
            raise ValueError(f"network: found no size that fits {use} ({reason(error)})") from None
        for name, found in self.network:
            if found != fitting[name]:
                raise ValueError(
                    f"network.{name}: found {found}, expected {fitting[name]} for {use}"
                )
        return self

    def build(self) -> nn.Module:
        """The plain network, with fresh weights."""
        return FAMILIES[self.network.space].network(self.architecture, self.network)

    def properties(self) -> dict[str, str]:
        """All of it by name, as the metadata of a file: texts as they are, the rest as JSON."""
        values = self.model_dump(mode="json").items()
        return {key: each if isinstance(each, str) else json.dumps(each) for key, each in values}

    @abstractmethod
    def program(self, network: nn.Module) -> nn.Module:
        """The network with what comes before and after it, as a single module.

        Args:
            network: as of `build`.

        Returns:
            A module that takes images float32 `(N, C, H, W)` in [0, 1]; nothing else has to be
            known to use it.
        """


def read_network(path: str | Path) -> nn.Module:
    """The plain network that the `network.json` of an export describes, with fresh weights.

    Like every new module it is in training mode. The weights of the export are loaded by
    `load_state_dict(torch.load("state_dict.pt", weights_only=True))`.

    Args:
        path: the file.

    Returns:
        The network.

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
    found = safe_json(read_text(path))
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
