"""A weight whose kernel is the centre of the largest one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import torch
from torch import Tensor

from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.widths import ChosenWidth, Segment, Width, WidthSum
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class KernelWeight(ElasticWeight):
    """The weight of a convolution whose kernel is a choice, too.

    The positions of the kernel are kept as one dimension, those of the smallest kernel first, so
    that what a larger one adds is a block of its own.

    Args:
        whole: the initial weight of the widest, `(out, columns, K, ..., K)`.
        out, columns: its widths.
        size: of the kernel, in each dimension.

    Example:
        KernelWeight(torch.randn(8, 3, 5, 5), 8, 3, Value("kernel", [3, 5])).selected()
    """

    def __init__(self, whole: Tensor, out: Width, columns: Width, size: ChosenWidth) -> None:
        (segment,) = size.segments()
        dims = whole.dim() - 2
        order = _positions(segment.sizes, dims)
        positions = WidthSum([Segment(segment.choice, 1, dims)])
        super().__init__(whole.flatten(2)[..., order], out, columns, positions)
        self._dims = dims
        self._segment = segment
        self._order = order
        # By size what puts its positions in order; tensors that lie where the weight does.
        self._grids: dict[int, Tensor] = {}
        self._place()

    def _place(self) -> None:
        """Make the tensors of indices anew, where the weight is."""
        device = next(self.parameters()).device
        for number in self._segment.sizes:
            used = sorted(range(number**self._dims), key=self._order.__getitem__)
            self._grids[number] = torch.tensor(used, device=device)

    def _apply(self, *args: Any, **named: Any) -> Any:
        super()._apply(*args, **named)  # type: ignore[no-untyped-call]
        self._place()  # and not moved, since `to_empty` has no values
        return self

    def selected(self) -> Tensor:
        return self._as_kernel(super().selected(), self._segment.value)

    def whole(self, blocks: Mapping[str, Tensor] | None = None) -> Tensor:
        return self._as_kernel(super().whole(blocks), self._segment.sizes[-1])

    def load(self, whole: Tensor, *, assign: bool = False) -> None:
        super().load(whole.flatten(2)[..., self._order], assign=assign)
        if assign:
            self._place()

    def _as_kernel(self, positions: Tensor, number: int) -> Tensor:
        """`(out, columns, number ** dims) -> (out, columns, number, ..., number)`."""
        kernel = positions.index_select(2, self._grids[number])
        return kernel.view(*kernel.shape[:2], *(number,) * self._dims)


def _positions(sizes: tuple[int, ...], dims: int) -> list[int]:
    """The positions of the largest kernel, those of each smaller one before the others.

    Within a kernel they stay in the order in which PyTorch has them.
    """
    largest = sizes[-1]

    def first_size(position: tuple[int, ...]) -> int:
        return next(size for size in sizes if all(_within(p, size, largest) for p in position))

    grid = list(product(range(largest), repeat=dims))
    return sorted(range(len(grid)), key=lambda number: (first_size(grid[number]), number))


def _within(position: int, size: int, largest: int) -> bool:
    """Whether a position is in the centre of a size."""
    start = (largest - size) // 2
    return start <= position < start + size


def check_kernel(layer: str, size: ChosenWidth, convolution: Any) -> None:
    """Check that a convolution can have kernels of several sizes.

    Args:
        layer: names it for a message.
        size: of the kernel.
        convolution: the plain one, with the largest kernel.

    Raises:
        NetworkError: it cannot.
    """
    segments = size.segments()
    sizes = segments[0].sizes
    setting = f"{layer}: kernel_size"
    if len(segments) > 1 or segments[0].factor > 1 or len({s % 2 for s in sizes}) > 1:
        refuse(
            NetworkError,
            setting,
            found=f"{size} of {list(sizes)}",
            expected="a Value of odd numbers, or of even ones, since a smaller kernel is the "
            "centre of the largest",
            remedy="take one kind of them, or a Choice among convolutions",
        )
    if convolution.padding_mode != "zeros":
        refuse(
            NetworkError,
            setting,
            found=f"a choice with padding_mode={convolution.padding_mode!r}",
            expected="'zeros'",
            remedy="pad by a layer of its own before, or take a Choice among convolutions",
        )
    missing = (sizes[-1] - sizes[0]) // 2 * max(convolution.dilation)
    if not isinstance(convolution.padding, str) and min(convolution.padding) < missing:
        refuse(
            NetworkError,
            setting,
            found=f"padding = {min(convolution.padding)} with kernels of {list(sizes)}",
            expected=f"at least {missing}, so that maps of all kernels have one size",
            remedy="give the padding of the largest kernel",
        )
