"""A weight of which a part is used, without touching the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import torch
from torch import Tensor, nn

Range = tuple[int, int]


class BlockedWeight(nn.Module):
    """A weight that is kept in blocks, of which only those in use are put together.

    So the others have no gradient at all, the optimizer passes them over, and an update costs in
    proportion to what was used.

    Args:
        whole: the initial weight.
        ranges: of each of its first dimensions, into which it is cut, in order.

    Example:
        weight = BlockedWeight(torch.randn(32, 16), [(0, 8), (8, 32)], [(0, 16)])
        weight.put_together([0], [0])  # (8, 16)
    """

    def __init__(self, whole: Tensor, *ranges: Sequence[Range]) -> None:
        super().__init__()
        assert tuple(whole.shape[: len(ranges)]) == tuple(cuts[-1][1] for cuts in ranges)
        self._ranges = tuple(map(tuple, ranges))
        for block in product(*self._ranges):
            part = whole[tuple(slice(*r) for r in block)].detach().clone()
            name = "_".join(str(start) for start, _ in block)
            self.register_parameter(f"from{name}", nn.Parameter(part, whole.requires_grad))

    def put_together(self, *used: Sequence[int]) -> Tensor:
        """The part of the weight that consists of some ranges.

        Args:
            used: for each of the first dimensions the numbers of its ranges, ascending.

        Returns:
            One block, or several that are put together by a copy.
        """
        blocks = list(self._parameters.values())  # row by row, as they were registered
        return _joined(blocks, tuple(map(len, self._ranges)), used, 0)

    def whole(self) -> Tensor:
        """All of it."""
        return self.put_together(*(range(len(cuts)) for cuts in self._ranges))

    def blocks(self) -> Iterator[tuple[nn.Parameter, tuple[Range, ...]]]:
        """Each block with the range that it covers in each of the first dimensions."""
        yield from zip(self.parameters(recurse=False), product(*self._ranges), strict=True)


def _joined(
    blocks: Sequence[Tensor | None], counts: Sequence[int], used: Sequence[Sequence[int]], dim: int
) -> Tensor:
    """The used ones of blocks that lie row by row; a single one is not copied."""
    if dim == len(counts):
        (block,) = blocks
        assert block is not None
        return block
    step = len(blocks) // counts[dim]
    rows = (blocks[i * step : (i + 1) * step] for i in used[dim])
    parts = [_joined(row, counts, used, dim + 1) for row in rows]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


class SlicedWeight(BlockedWeight):
    """A weight of which the leading slice `[:m]` or `[:m, :n]` is used.

    Args:
        whole: the initial weight, of at least one dimension for each of `sizes`.
        sizes: for each of its first one or two dimensions what a slice may have there, ascending;
            the last is that of `whole`.

    Example:
        weight = SlicedWeight(torch.randn(32, 16), (8, 32), (4, 16))
        weight(8, 16)  # (8, 16), of two of the four blocks
    """

    def __init__(self, whole: Tensor, *sizes: Sequence[int]) -> None:
        super().__init__(whole, *(list(pairwise((0, *ends))) for ends in sizes))
        self._sizes = tuple(map(tuple, sizes))

    def forward(self, *size: int) -> Tensor:
        """The leading slice of a size.

        Args:
            size: in the first dimensions, each out of `sizes`.

        Returns:
            The slice: one block, or several that are put together by a copy.
        """
        counts = [ends.index(n) + 1 for ends, n in zip(self._sizes, size, strict=True)]
        return self.put_together(*map(range, counts))
