"""The settings of the cell space and the size of its network; nothing here needs torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pdas.spaces.base import FamilySettings

OPERATION_NAMES = ("identity", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
STAGES = 3
STEM_MULTIPLIER = 3  # the stem has 3C channels
LARGEST_WIDTH = 100_000  # channels
MOST_CELLS = 1000  # of a stage
SMALLEST_WIDTH = 2  # a factorised reduction has two convolutions, each with half the channels


def _known(operation: str) -> str:
    if operation not in OPERATION_NAMES:
        raise ValueError(f"expected names out of {', '.join(OPERATION_NAMES)}")
    return operation


class NetworkSettings(FamilySettings):
    """The cell space and the size of its network; the defaults are those of the paper's search.

    Attributes:
        nodes: B, of each cell.
        cells_per_stage: N.
        channels: C, of the first stage.
        operations: names of what a node may do, out of the five of the default.
        stem_stride: by how much the stem makes images smaller: 4, for large ones, is two
            convolutions of stride 2.

    Example:
        NetworkSettings(nodes=3, channels=8, operations=("identity", "sep_conv_3x3"))
    """

    space: Literal["cells"] = "cells"
    nodes: int = Field(5, ge=1, le=100)
    cells_per_stage: int = Field(2, ge=1, le=MOST_CELLS)
    channels: int = Field(16, ge=SMALLEST_WIDTH, le=LARGEST_WIDTH)
    operations: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        OPERATION_NAMES, min_length=1
    )
    stem_stride: Literal[1, 4] = 1


class CellSettings(NetworkSettings):
    """A network of cells for images and classes that are known.

    Attributes:
        in_channels: of the images.
        classes: outputs of the network.

    Example:
        CellSettings(nodes=3, channels=8, in_channels=1, classes=10)
    """

    in_channels: int = Field(3, ge=1, le=LARGEST_WIDTH)
    classes: int = Field(10, ge=2, le=1_000_000)

    @property
    def stem_channels(self) -> int:
        """Channels of the stem's output: 3C, and C at stride 4, where 3C would cost too much."""
        return self.channels if self.stem_stride == 4 else STEM_MULTIPLIER * self.channels

    @property
    def stem_convolutions(self) -> tuple[tuple[int, int, int], ...]:
        """In-channels, out-channels and stride of the stem's 3x3 convolutions, in order."""
        images, out = self.in_channels, self.stem_channels
        if self.stem_stride == 1:
            return ((images, out, 1),)
        return ((images, out // 2, 2), (out // 2, out, 2))

    @property
    def out_channels(self) -> int:
        """Channels of the last cell's output, which the classifier reads."""
        return self.channels << (STAGES - 1)
