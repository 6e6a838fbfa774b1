"""What a derived network is, as plain data: the file `network.json` of an export.

The file and this library are all that it takes to build the network again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import PositiveFloat, PositiveInt, model_validator
from torch import nn

from pdas._version import __version__
from pdas.space import Label
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.space import is_chain
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import cell_space
from pdas.spaces.program import ClassifierProgram, RestorerProgram
from pdas.support.errors import PdasError, RunError, reason
from pdas.support.settings import Settings, validated

FORMAT: Literal[1] = 1  # the next one when a field is added, removed or changes its meaning


class Description(Settings, ABC):
    """A network and its images."""

    output_name: ClassVar[str]  # in files of programs

    format: Literal[1] = FORMAT
    pdas: str = __version__
    kind: str
    architecture: dict[str, Label]
    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt]  # C, H, W, as trained
    input: str
    output: str

    @abstractmethod
    def build(self) -> nn.Module:
        """The plain network, with fresh weights."""

    @abstractmethod
    def program(self, network: nn.Module) -> nn.Module:
        """The network with what its images need, see `pdas.spaces.program`."""


class CellDescription(Description):
    """A classifier of cells."""

    output_name = "logits"

    kind: Literal["cell"] = "cell"
    network: CellSettings
    classes: tuple[str, ...]  # in the order of the outputs
    mean: tuple[float, ...]  # of each channel, of images in [0, 1]
    std: tuple[PositiveFloat, ...]
    input: str = (
        "images, float32 (N, *image_shape) in [0, 1]; the network of state_dict.pt takes "
        "(images - mean) / std, a program does that by itself"
    )
    output: str = "logits, float32 (N, classes)"

    @model_validator(mode="after")
    def _fits(self) -> CellDescription:
        cell_space(self.network.nodes, self.network.operations).architecture(self.architecture)
        channels, classes = self.network.in_channels, self.network.classes
        for name, found, expected in (
            ("image_shape", self.image_shape[0], channels),
            ("mean", len(self.mean), channels),
            ("std", len(self.std), channels),
            ("classes", len(self.classes), classes),
        ):
            if found != expected:
                raise ValueError(f"{name}: found {found}, expected {expected} as in network")
        return self

    def build(self) -> CellNetwork:
        return CellNetwork(self.architecture, self.network)

    def program(self, network: nn.Module) -> nn.Module:
        return ClassifierProgram(network, self.mean, self.std)


class AutoencoderDescription(Description):
    """An auto-encoder that restores images."""

    output_name = "restored"

    kind: Literal["autoencoder"] = "autoencoder"
    input: str = "images, float32 (N, *image_shape) in [0, 1], 0 in all channels of a hidden pixel"
    output: str = (
        "whole restored images, float32 (N, *image_shape); a program clips them to [0, 1], the "
        "network of state_dict.pt does not"
    )

    @model_validator(mode="after")
    def _fits(self) -> AutoencoderDescription:
        if not is_chain(self.architecture):
            raise ValueError("architecture: found other variables than those of an auto-encoder")
        return self

    def build(self) -> AutoencoderNetwork:
        channels, height, width = self.image_shape
        return AutoencoderNetwork(self.architecture, channels, (height, width))

    def program(self, network: nn.Module) -> nn.Module:
        return RestorerProgram(network)


_KINDS: dict[object, type[Description]] = {
    "cell": CellDescription,
    "autoencoder": AutoencoderDescription,
}


def read_network(path: str | Path) -> nn.Module:
    """The plain network that the `network.json` of an export describes, with fresh weights.

    Its own come by `load_state_dict(torch.load("state_dict.pt", weights_only=True))`; like every
    new module it is in training mode.

    Raises `RunError` if the file is missing or damaged, or of a format that is not known.
    """
    try:
        return _description(_read(Path(path))).build()
    except FileNotFoundError:
        raise RunError(
            f"{path}: missing, expected the network.json of an export; check the path"
        ) from None
    except (PdasError, OSError, ValueError, RuntimeError) as error:
        raise RunError(
            f"{path}: found no description of a network ({reason(error)}), expected the "
            "network.json of an export; export the run again"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"a {type(found).__name__}, not an object")
    return found


def _description(found: dict[str, Any]) -> Description:
    if found.get("format") != FORMAT:
        raise ValueError(
            f"format {found.get('format')!r} of pdas {found.get('pdas')}, while pdas {__version__} "
            f"reads format {FORMAT}"
        )
    kind = found.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"kind {kind!r}, not one of {', '.join(map(str, _KINDS))}")
    return validated(_KINDS[kind], found)
