"""The settings of the space of dense networks; nothing here needs torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pdas.spaces.base import FamilySettings


def _ascending(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if list(numbers) != sorted(set(numbers)):
        raise ValueError("expected ascending numbers, each once")
    return numbers


class DenseNetSettings(FamilySettings):
    """A chain of dense blocks with bottlenecks, DenseNet-BC.

    Attributes:
        blocks: with a transition between each two, which halves channels, height and width.
        layers: the most in a block.
        growths: of a layer, its channels.
        stem: channels before the first block.

    Example:
        DenseNetSettings(layers=4, growths=(4, 8))
    """

    space: Literal["densenets"] = "densenets"
    blocks: int = Field(3, ge=1, le=8)
    layers: int = Field(8, ge=1, le=1000)
    growths: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100_000)], ...], AfterValidator(_ascending)
    ] = Field(tuple(range(4, 49, 2)), min_length=1)
    stem: int = Field(8, ge=2, le=100_000)


class DenseNetSize(DenseNetSettings):
    """Such a network for images of a known shape.

    Example:
        DenseNetSize(image_channels=1, classes=10)
    """

    image_channels: int = Field(ge=1, le=100_000)
    classes: int = Field(ge=1, le=1_000_000)
