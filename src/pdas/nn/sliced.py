"""A weight of which a part is used, without touching the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import torch
from torch import Tensor, nn

Range = tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """Which blocks of a weight are used, and how they are put together.

    Attributes:
        names: of the blocks, row by row.
        joints: along which dimension how many tensors become one, one after the other.

    Example:
        Plan(("from0_0", "from0_4"), ((1, 2),))  # side by side
    """

    names: tuple[str, ...]
    joints: tuple[tuple[int, int], ...]


class BlockedWeight(nn.Module):
    """A weight that is kept in blocks, of which only those in use are put together.

    So the others have no gradient at all, the optimizer passes them over, and an update costs in
    proportion to what was used.

    Args:
        whole: the initial weight.
        ranges: of each of its first dimensions, into which it is cut, in order.

    Example:
        weight = BlockedWeight(torch.randn(32, 16), [(0, 8), (8, 32)], [(0, 16)])
        weight.put_together(weight.plan([0], [0]))  # (8, 16)
    """

    def __init__(self, whole: Tensor, *ranges: Sequence[Range]) -> None:
        super().__init__()
        assert tuple(whole.shape[: len(ranges)]) == tuple(cuts[-1][1] for cuts in ranges)
        self._ranges = tuple(map(tuple, ranges))
        for block in product(*self._ranges):
            part = whole[tuple(slice(*r) for r in block)].detach().clone()
            self.register_parameter(_name(block), nn.Parameter(part, whole.requires_grad))

    def plan(self, *used: Sequence[int]) -> Plan:
        """How the part of the weight is made that consists of some ranges.

        Args:
            used: for each of the first dimensions the numbers of its ranges, ascending.
        """
        ranges = [
            [cuts[i] for i in chosen] for cuts, chosen in zip(self._ranges, used, strict=True)
        ]
        counts = list(enumerate(map(len, ranges)))
        joints = tuple((dim, count) for dim, count in reversed(counts) if count > 1)
        return Plan(tuple(map(_name, product(*ranges))), joints)

    def put_together(self, plan: Plan, blocks: Mapping[str, Any] | None = None) -> Tensor:
        """A part of the weight as one tensor.

        Args:
            plan: of `plan`, which takes longer than this.
            blocks: by name, instead of its own.

        Returns:
            One block, or several that are put together by copies.
        """
        known: Mapping[str, Any] = self._parameters if blocks is None else blocks
        tensors: list[Tensor] = [known[name] for name in plan.names]
        for dim, count in plan.joints:
            bands = range(0, len(tensors), count)
            tensors = [torch.cat(tensors[i : i + count], dim) for i in bands]
        return tensors[0]

    def whole(self, blocks: Mapping[str, Tensor] | None = None) -> Tensor:
        """All of it.

        Args:
            blocks: by name, to be put together instead, as the gradients of its own.
        """
        all_of_it = self.plan(*(range(len(cuts)) for cuts in self._ranges))
        return self.put_together(all_of_it, blocks)

    def blocks(self) -> Iterator[tuple[nn.Parameter, tuple[Range, ...]]]:
        """Each block with the range that it covers in each of the first dimensions."""
        yield from zip(self.parameters(recurse=False), product(*self._ranges), strict=True)


def _name(block: Sequence[Range]) -> str:
    """The name of the block that covers these ranges."""
    return "from" + "_".join(str(start) for start, _ in block)


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
        self._plans: dict[tuple[int, ...], Plan] = {}  # by size

    def forward(self, *size: int) -> Tensor:
        """The leading slice of a size.

        Args:
            size: in the first dimensions, each out of `sizes`.

        Returns:
            The slice: one block, or several that are put together by a copy.
        """
        if size not in self._plans:
            counts = [ends.index(n) + 1 for ends, n in zip(self._sizes, size, strict=True)]
            self._plans[size] = self.plan(*map(range, counts))
        return self.put_together(self._plans[size])
