"""How cells are stacked into a network: stem, then N normal cells a stage, reductions in between.

Shared by the supernet, the derived network and the count of weights, so that the three cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.cells.space import CellPlan
from pdas.support.errors import SettingError
from pdas.support.settings import Settings

STAGES = 3
STEM_MULTIPLIER = 3  # the stem has 3C channels
SMALLEST_WIDTH = 2  # a factorised reduction has two convolutions, each with half the channels
SMALLEST_MAP = 2  # pixels a side that must be left after the last reduction


def _known(operation: str) -> str:
    if operation not in OPERATIONS:
        raise ValueError(f"expected names out of {', '.join(OPERATIONS)}")
    return operation


class NetworkSettings(Settings):
    """The cell space and the size of its network; the defaults are those of the paper's search."""

    nodes: int = Field(5, ge=1)  # B
    cells_per_stage: int = Field(2, ge=1)  # N
    channels: int = Field(16, ge=SMALLEST_WIDTH)  # C, of the first stage
    operations: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        tuple(OPERATIONS), min_length=1
    )


class CellSettings(NetworkSettings):
    """A network of cells for images and classes that are known."""

    in_channels: int = Field(3, ge=1)
    classes: int = Field(10, ge=2)

    @property
    def stem_channels(self) -> int:
        """Channels of the stem's output, 3C."""
        return STEM_MULTIPLIER * self.channels

    @property
    def out_channels(self) -> int:
        """Channels of the last cell's output, which the classifier reads."""
        return self.channels << (STAGES - 1)


@dataclass(frozen=True)
class Position:
    """A cell's place in the network.

    `in_channels` are those of the outputs of the cell before the previous one and of the previous
    one; `halve_prev_prev` says that the former has twice the resolution of the latter.
    """

    kind: str
    channels: int
    in_channels: tuple[int, int]
    halve_prev_prev: bool

    def stride(self, source: int) -> int:
        """Stride of an operation on this source: 2 on the inputs of a reduction cell."""
        return 2 if self.kind == "reduction" and source < 2 else 1


def layout(settings: CellSettings) -> tuple[Position, ...]:
    """The positions of all cells, first to last."""
    kinds = (["normal"] * settings.cells_per_stage + ["reduction"]) * STAGES
    positions: list[Position] = []
    channels = settings.channels
    outputs = [settings.stem_channels, settings.stem_channels]
    for index, kind in enumerate(kinds[:-1]):
        if kind == "reduction":
            channels *= 2
        after_reduction = index > 0 and kinds[index - 1] == "reduction"
        positions.append(Position(kind, channels, (outputs[-2], outputs[-1]), after_reduction))
        outputs.append(channels)
    return tuple(positions)


def needed_cells(positions: Sequence[Position], plans: Mapping[str, CellPlan]) -> list[bool]:
    """Which cells the last one depends on: a cell that no needed cell reads is never computed."""
    needed = [False] * len(positions)
    needed[-1] = True
    for index in range(len(positions) - 1, -1, -1):
        if needed[index]:
            for source in plans[positions[index].kind].sources & {0, 1}:
                if index - 2 + source >= 0:
                    needed[index - 2 + source] = True
    return needed


def auxiliary_cell(positions: Sequence[Position], needed: Sequence[bool]) -> int:
    """Index of the cell that the auxiliary classifier reads.

    It is the last reduction cell, or, where the architecture passes that one by, the first needed
    cell after it, which has the same shape.
    """
    last_reduction = max(i for i, position in enumerate(positions) if position.kind == "reduction")
    return next(i for i in range(last_reduction, len(positions)) if needed[i])


def check_image_size(size: int) -> None:
    """Raise `SettingError` if images of `size` pixels a side cannot pass all reductions."""
    reductions = STAGES - 1
    smallest = SMALLEST_MAP * 2**reductions
    if size < smallest:
        raise SettingError(
            f"image size: found {size}x{size}, expected at least {smallest}x{smallest} for "
            f"{reductions} reductions; set data.image_size to {smallest} or more"
        )
