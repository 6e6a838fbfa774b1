"""A weight of which leading slices are used, without touching the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import torch
from torch import Tensor, nn

Range = tuple[int, int]


class SlicedWeight(nn.Module):
    """A weight of which the leading slice `[:m]` or `[:m, :n]` is used.

    It is kept in blocks between the sizes that a slice may have, and only the blocks of a slice are
    put together. So the others have no gradient at all, the optimizer passes them over, and an
    update costs in proportion to what was used.

    Args:
        whole: the initial weight, of at least one dimension for each of `sizes`.
        sizes: for each of its first one or two dimensions what a slice may have there, ascending;
            the last is that of `whole`.

    Example:
        weight = SlicedWeight(torch.randn(32, 16), (8, 32), (4, 16))
        weight(8, 16)  # (8, 16), of two of the four blocks
    """

    def __init__(self, whole: Tensor, *sizes: Sequence[int]) -> None:
        super().__init__()
        assert 1 <= len(sizes) <= 2
        assert tuple(whole.shape[: len(sizes)]) == tuple(ends[-1] for ends in sizes)
        self._sizes = tuple(map(tuple, sizes))
        for ranges in self._ranges():
            block = whole[tuple(slice(*r) for r in ranges)].detach().clone()
            name = "_".join(str(start) for start, _ in ranges)
            self.register_parameter(f"from{name}", nn.Parameter(block))

    def forward(self, *size: int) -> Tensor:
        """The leading slice of a size.

        Args:
            size: in the first dimensions, each out of `sizes`.

        Returns:
            The slice: one block, or several that are put together by a copy.
        """
        counts = [ends.index(n) + 1 for ends, n in zip(self._sizes, size, strict=True)]
        blocks = list(self._parameters.values())  # row by row, as they were registered
        if len(counts) == 1:
            return _joined(blocks[: counts[0]], 0)
        row = len(self._sizes[1])  # blocks in a whole row
        bands = [_joined(blocks[i * row : i * row + counts[1]], 1) for i in range(counts[0])]
        return _joined(bands, 0)

    def whole(self) -> Tensor:
        """All of it."""
        return self.forward(*(ends[-1] for ends in self._sizes))

    def blocks(self) -> Iterator[tuple[nn.Parameter, tuple[Range, ...]]]:
        """Each block with the range that it covers in each of the first dimensions."""
        yield from zip(self.parameters(recurse=False), self._ranges(), strict=True)

    def _ranges(self) -> Iterator[tuple[Range, ...]]:
        """The ranges of each block, row by row."""
        return product(*(pairwise((0, *ends)) for ends in self._sizes))


def _joined(parts: Sequence[Tensor | None], dim: int) -> Tensor:
    """The blocks as one tensor; a single one is not copied."""
    tensors = [part for part in parts if part is not None]
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors, dim)
