"""The settings of the auto-encoder space and the size of its network; nothing here needs torch."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from pdas.spaces.base import FamilySettings
from pdas.support.settings import LARGEST_SIDE

Width: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]  # channels of a layer


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise ValueError("expected an odd kernel")
    return kernel


def _ascending(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if list(numbers) != sorted(set(numbers)):
        raise ValueError("expected ascending numbers, each once")
    return numbers


class ChainSettings(FamilySettings):
    """The space of auto-encoders; the defaults are the paper's.

    Attributes:
        layers: Nc, of the encoder.
        level_back: b, how far back a layer may read.
        kernels: pixels a side, odd.
        channels: of a layer.

    Example:
        ChainSettings(layers=6, channels=(16, 32))
    """

    space: Literal["autoencoders"] = "autoencoders"
    layers: int = Field(20, ge=1, le=1000)
    level_back: int = Field(5, ge=1, le=1000)
    kernels: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1001), AfterValidator(_odd)], ...],
        AfterValidator(_ascending),
    ] = Field((1, 3, 5), min_length=1)
    channels: Annotated[tuple[Width, ...], AfterValidator(_ascending)] = Field(
        (64, 128, 256), min_length=1
    )


class AutoencoderSettings(ChainSettings):
    """An auto-encoder for images of a known number of channels.

    Example:
        AutoencoderSettings(layers=6, image_channels=1)
    """

    image_channels: int = Field(3, ge=1, le=100_000)


class AutoencoderSize(AutoencoderSettings):
    """An auto-encoder for images of a known shape: height and width decide what samples down.

    Example:
        AutoencoderSize(layers=6, image_channels=1, height=32, width=32)
    """

    height: int = Field(ge=1, le=LARGEST_SIDE)
    width: int = Field(ge=1, le=LARGEST_SIDE)
