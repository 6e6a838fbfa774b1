"""A weight of which leading slices are used, without touching the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class SlicedWeight(nn.Module):
    """A weight `(rows, columns, k, k)` of a convolution, of which `[:m, :n]` is used.

    It is kept in blocks between the numbers `rows` and `columns` that m and n may be, and only the
    blocks of a slice are put together. So the others have no gradient at all, the optimizer passes
    them over, and an update costs in proportion to what was used.

    Args:
        whole: the initial weight.
        rows, columns: ascending; the last are the sizes of `whole`.
    """

    def __init__(self, whole: Tensor, rows: Sequence[int], columns: Sequence[int]) -> None:
        super().__init__()
        assert whole.shape[:2] == (rows[-1], columns[-1])
        self._rows, self._columns = tuple(rows), tuple(columns)
        self.blocks = nn.ModuleList(
            nn.ParameterList(
                nn.Parameter(whole[top:bottom, left:right].detach().clone())
                for left, right in pairwise((0, *columns))
            )
            for top, bottom in pairwise((0, *rows))
        )

    def forward(self, m: int, n: int) -> Tensor:
        """The slice `[:m, :n]`, for m in `rows` and n in `columns`."""
        width = self._columns.index(n) + 1
        bands = [_joined(list(row)[:width], 1) for row in self._grid(self._rows.index(m) + 1)]
        return _joined(bands, 0)

    def _grid(self, height: int) -> list[nn.ParameterList]:
        rows = list(self.blocks)[:height]
        assert all(isinstance(row, nn.ParameterList) for row in rows)
        return rows  # type: ignore[return-value]


def _joined(parts: Sequence[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim)
