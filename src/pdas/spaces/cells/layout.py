"""How cells are stacked into a network: stem, then N normal cells a stage, reductions in between.

Shared by the supernet, the derived network and the count of weights, so that the three cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdas.spaces.cells.settings import STAGES, CellSettings
from pdas.spaces.cells.space import CellPlan
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

SMALLEST_MAP = 2  # pixels a side that must be left after the last reduction


@dataclass(frozen=True)
class Position:
    """A cell's place in the network.

    Attributes:
        kind: "normal" or "reduction".
        channels: of its nodes and its output.
        in_channels: of the outputs of the cell before the previous one and of the previous one.
        halve_prev_prev: whether the former has twice the resolution of the latter.

    Example:
        layout(CellSettings())[0].channels
    """

    kind: str
    channels: int
    in_channels: tuple[int, int]
    halve_prev_prev: bool

    def stride(self, source: int) -> int:
        """Stride of an operation: 2 on the inputs of a reduction cell, else 1.

        Args:
            source: of the operation; 0 and 1 are the inputs of the cell.
        """
        return 2 if self.kind == "reduction" and source < 2 else 1


def layout(settings: CellSettings) -> tuple[Position, ...]:
    """The positions of all cells, first to last.

    Args:
        settings: the size of the network.
    """
    kinds = (["normal"] * settings.cells_per_stage + ["reduction"]) * STAGES
    positions: list[Position] = []
    channels = settings.channels
    outputs = [settings.stem_channels, settings.stem_channels]
    for index, kind in enumerate(kinds[:-1]):  # no reduction after the last stage
        if kind == "reduction":
            channels *= 2
        after_reduction = index > 0 and kinds[index - 1] == "reduction"
        positions.append(Position(kind, channels, (outputs[-2], outputs[-1]), after_reduction))
        outputs.append(channels)
    return tuple(positions)


def needed_cells(positions: Sequence[Position], plans: Mapping[str, CellPlan]) -> list[bool]:
    """Which cells the last one depends on: a cell that no needed cell reads is never computed.

    Args:
        positions: of all cells.
        plans: of the two kinds of cells.
    """
    needed = [False] * len(positions)
    needed[-1] = True
    for index in range(len(positions) - 1, -1, -1):
        if needed[index]:
            for source in plans[positions[index].kind].sources & {0, 1}:
                if index - 2 + source >= 0:  # else it reads the stem
                    needed[index - 2 + source] = True
    return needed


def auxiliary_cell(positions: Sequence[Position], needed: Sequence[bool]) -> int:
    """Index of the cell that the auxiliary classifier reads.

    It is the last reduction cell, or, where the architecture passes that one by, the first needed
    cell after it, which has the same shape.

    Args:
        positions: of all cells.
        needed: of `needed_cells`.
    """
    last_reduction = max(i for i, position in enumerate(positions) if position.kind == "reduction")
    return next(i for i in range(last_reduction, len(positions)) if needed[i])


def check_image_size(size: int, stem_stride: int = 1) -> None:
    """Check that images are large enough for the stem and all reductions.

    Args:
        size: pixels a side.
        stem_stride: by how much the stem makes them smaller.

    Raises:
        SettingError: they are too small.
    """
    reductions = STAGES - 1
    smallest = SMALLEST_MAP * 2**reductions * stem_stride
    if size < smallest:
        refuse(
            SettingError,
            "image size",
            found=f"{size}x{size}",
            expected=f"at least {smallest}x{smallest} for {reductions} reductions"
            + f" after a stem of stride {stem_stride}" * (stem_stride > 1),
            remedy=f"set data.image_size to {smallest} or more",
        )
