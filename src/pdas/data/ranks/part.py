"""A part of each batch, as a rank of a retraining sees it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from pdas.distributed.micro_batches import parts_of


@dataclass(frozen=True)
class Part:
    """One of several equal parts of a batch, as that of a rank.

    Args:
        index: from 0.
        count: of parts.

    Example:
        Part(1, 2).own(torch.arange(4))  # [2, 3]
    """

    index: int = 0
    count: int = 1

    def own(self, rows: Tensor) -> Tensor:
        """The rows of this part.

        Args:
            rows: of the whole, a multiple of `count`.
        """
        own: Tensor = parts_of(rows, self.count, "device.devices")[self.index]
        return own


WHOLE = Part()
