"""The settings of the space of well-known networks; nothing here needs torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pdas.spaces.base import FamilySettings
from pdas.support.settings import LARGEST_SIDE


class ZooSettings(FamilySettings):
    """Well-known networks by name, of which one is chosen; with a single one there is no choice.

    Attributes:
        networks: names of torchvision's classifiers, or else of timm's.
        pretrained: whether a retraining starts from the published weights, but for the last layer.

    Example:
        ZooSettings(networks=("resnet18",))
    """

    space: Literal["zoo"] = "zoo"
    networks: tuple[str, ...] = Field(("resnet18",), min_length=1)
    pretrained: bool = False


class ZooSize(ZooSettings):
    """Such networks for images of a known shape.

    Example:
        ZooSize(networks=("resnet18",), image_channels=1, height=28, width=28, classes=10)
    """

    image_channels: int = Field(ge=1, le=100_000)
    height: int = Field(ge=1, le=LARGEST_SIDE)
    width: int = Field(ge=1, le=LARGEST_SIDE)
    classes: int = Field(ge=2, le=1_000_000)
