"""What a derived network is, as plain data: the file `network.json` of an export.

The file and this library are all that it takes to build the network again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import PositiveFloat, PositiveInt, model_validator
from typing_extensions import Self

from pdas._version import __version__
from pdas.space import Label
from pdas.spaces.base import FAMILIES, FamilySettings
from pdas.support.errors import PdasError, RunError, reason
from pdas.support.refusals import refusal
from pdas.support.settings import Settings, validated

if TYPE_CHECKING:
    from torch import nn

FORMAT: Literal[2] = 2  # the next one when a field is added, removed or changes its meaning

Size = TypeVar("Size", bound=FamilySettings)


class Description(Settings, ABC, Generic[Size]):
    """A network and its images.

    Attributes:
        kind: what the network is for.
        network: its size, which names its family.
        architecture: its labels.
        image_shape: (C, H, W) of the images that it was trained with.
        input: what it takes, in words.
        output: what it gives, in words.
    """

    output_name: ClassVar[str]  # in files of programs

    format: Literal[2] = FORMAT
    pdas: str = __version__
    kind: str
    network: Size
    architecture: dict[str, Label]
    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt]
    input: str
    output: str

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Channels of the output, see `Family.size`."""

    @abstractmethod
    def program(self, network: nn.Module) -> nn.Module:
        """The network with what its images need, see `pdas.spaces.program`."""

    def build(self) -> nn.Module:
        """The plain network, with fresh weights."""
        return FAMILIES[self.network.space].network(self.architecture, self.network)

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


class ClassifierDescription(Description[Size]):
    """A classifier of images.

    Attributes:
        classes: their names, in the order of the outputs.
        mean: of each channel, of images in [0, 1].
        std: likewise, the standard deviation.
    """

    output_name = "logits"

    kind: Literal["classifier"] = "classifier"
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[PositiveFloat, ...]
    input: str = (
        "images, float32 (N, *image_shape) in [0, 1]; the network of state_dict.pt takes "
        "(images - mean) / std, a program does that by itself"
    )
    output: str = "logits, float32 (N, classes)"

    @property
    def outputs(self) -> int:
        return len(self.classes)

    @model_validator(mode="after")
    def _channels_fit(self) -> Self:
        channels = self.image_shape[0]
        numbers: dict[str, Sequence[float]] = {"mean": self.mean, "std": self.std}
        for name, found in numbers.items():
            if len(found) != channels:
                raise ValueError(
                    f"{name}: found {len(found)} numbers, expected {channels} as in image_shape"
                )
        return self

    def program(self, network: nn.Module) -> nn.Module:
        from pdas.spaces.program import ClassifierProgram

        return ClassifierProgram(network, self.mean, self.std)


class RestorerDescription(Description[Size]):
    """A network that restores images."""

    output_name = "restored"

    kind: Literal["restorer"] = "restorer"
    input: str = "images, float32 (N, *image_shape) in [0, 1], 0 in all channels of a hidden pixel"
    output: str = (
        "whole restored images, float32 (N, *image_shape); a program clips them to [0, 1], the "
        "network of state_dict.pt does not"
    )

    @property
    def outputs(self) -> int:
        return self.image_shape[0]

    def program(self, network: nn.Module) -> nn.Module:
        from pdas.spaces.program import RestorerProgram

        return RestorerProgram(network)


KINDS: dict[str, type[Description[Any]]] = {
    "classifier": ClassifierDescription,
    "restorer": RestorerDescription,
}


def describe(kind: str, values: Mapping[str, Any]) -> Description[Any]:
    """The description of a network, which is of a kind; raises `SettingError` if it cannot be."""
    network = values.get("network")
    space = network.get("space") if isinstance(network, Mapping) else None
    # So that a setting of the family is named if it does not fit.
    described = KINDS[kind][FAMILIES[str(space)].sizes]  # type: ignore[index]
    found: Description[Any] = validated(described, values)
    return found


def read_network(path: str | Path) -> nn.Module:
    """The plain network that the `network.json` of an export describes, with fresh weights.

    Its own come by `load_state_dict(torch.load("state_dict.pt", weights_only=True))`; like every
    new module it is in training mode.

    Raises:
        RunError: the file is missing or damaged, or of a format that is not known.
    """
    expected = "the network.json of an export"
    try:
        return _parse(_read(Path(path))).build()
    except FileNotFoundError:
        raise RunError(f"{path}: missing, expected {expected}; check the path") from None
    except (PdasError, OSError, ValueError, RuntimeError) as error:
        found, remedy = f"no description of a network ({reason(error)})", "export the run again"
        raise refusal(RunError, str(path), found=found, expected=expected, remedy=remedy) from error


def _read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"a {type(found).__name__}, not an object")
    return found


def _parse(found: dict[str, Any]) -> Description[Any]:
    if found.get("format") != FORMAT:
        raise ValueError(
            f"format {found.get('format')!r} of pdas {found.get('pdas')}, while pdas {__version__} "
            f"reads format {FORMAT}"
        )
    kind = found.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind {kind!r}, not one of {', '.join(KINDS)}")
    return describe(kind, found)
