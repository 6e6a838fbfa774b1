"""The operations of the cell space (paper, section 4.1) and the blocks they are made of.

Every block takes its normalisation as a function of the channels, so that one definition serves
the supernet (batch statistics only) and the derived network (learnable affine, running statistics).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.kernels import WithKernels
from pdas.spaces.cells import fused
from pdas.spaces.cells.depthwise import DepthwiseConv2d

Norm = Callable[[int], nn.Module]


def batch_statistics(channels: int) -> nn.Module:
    """Batch norm of the search: no learnable affine, and nothing is kept of a batch."""
    return nn.BatchNorm2d(channels, affine=False, track_running_stats=False)


def affine_batch_norm(channels: int) -> nn.Module:
    """Batch norm of a derived network: learnable affine and running statistics."""
    return nn.BatchNorm2d(channels)


class Identity(nn.Identity):
    """The input as it is; a class of its own because drop path spares it.

    Example:
        Identity()(x) is x
    """


class ReLUFirst(nn.Sequential):
    """A block whose first module is a ReLU; `after_relu` leaves that one to the caller.

    So blocks that read the same tensor can share its ReLU.

    Example:
        block(x) == block.after_relu(F.relu(x))
    """

    def after_relu(self, x: Tensor) -> Tensor:
        """The block's output for an input that has passed the ReLU.

        Args:
            x: `(N, C, H, W)`, at least 0.
        """
        for module in islice(self, 1, None):
            x = module(x)
        return x


def _modules(block: nn.Sequential) -> tuple[Any, ...]:
    """The modules of a block, in their order."""
    return tuple(block)


def _run(block: nn.Sequential, x: Tensor) -> Tensor:
    """The output of a block by torch's own operations, module after module."""
    for module in block:
        x = module(x)
    return x


def times(x: Tensor, factor: Tensor | None) -> Tensor:
    """A map times a factor of each sample.

    Args:
        x: `(N, C, H, W)`.
        factor: `(N, 1, 1, 1)`, or None for 1.
    """
    # What torch.fx hands over for an argument that is left out is neither.
    return x * factor.to(x.dtype) if isinstance(factor, Tensor) else x


class ReLUConvNorm(ReLUFirst, WithKernels):
    """ReLU, 1x1 convolution without bias, normalisation; `(N, in, H, W) -> (N, out, H, W)`.

    Args:
        in_channels, out_channels: of the maps.
        norm: the normalisation of a number of channels.

    Example:
        ReLUConvNorm(8, 16, affine_batch_norm)(x)
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            norm(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output.

        Args:
            x: `(N, in_channels, H, W)`.
        """
        return self.side_by_side([x])

    def side_by_side(self, xs: Sequence[Tensor]) -> Tensor:
        """The block's output for maps that are taken as one, all their channels in a row.

        Args:
            xs: `(N, ..., H, W)` each, of `in_channels` together.
        """
        if self.use_kernels:
            relu, convolution, norm = _modules(self)
            if fused.plain_convolutions(convolution) and type(relu) is nn.ReLU:
                out = fused.pointwise(xs, [convolution.weight], norm)
                if out is not None:
                    return out
        return _run(self, xs[0] if len(xs) == 1 else torch.cat(list(xs), dim=1))


class FactorisedReduction(nn.Module, WithKernels):
    """ReLU, two 1x1 convolutions of stride 2 that look at alternate pixels, normalisation.

    `(N, in, H, W) -> (N, out, ceil(H/2), ceil(W/2))`. The second convolution sees the map shifted
    by one row and column; an odd-sized map is first padded by one row or column of zeros.

    The pixels are picked before the convolutions, which have stride 1: with a stride, the weight
    gradient of a channels-last 1x1 convolution of few input channels (below 8, or 16 with AVX-512)
    writes outside its memory on CPUs (https://github.com/uxlfoundation/oneDNN/issues/6035).

    Args:
        in_channels, out_channels: of the maps.
        norm: the normalisation of a number of channels.

    Example:
        FactorisedReduction(8, 16, affine_batch_norm)(x)
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm) -> None:
        super().__init__()
        half = out_channels // 2
        self.even = nn.Conv2d(in_channels, out_channels - half, 1, bias=False)
        self.odd = nn.Conv2d(in_channels, half, 1, bias=False)
        self.norm = norm(out_channels)

    def forward(self, x: Tensor, factor: Tensor | None = None) -> Tensor:
        """The reduced map.

        Args:
            x: `(N, in_channels, H, W)`.
            factor: of each sample of the output, `(N, 1, 1, 1)`.
        """
        if self.use_kernels and fused.plain_convolutions(self.even, self.odd):
            out = fused.pointwise([x], [self.even.weight, self.odd.weight], self.norm, factor)
            if out is not None:
                return out
        return times(self.after_relu(F.relu(x)), factor)

    def after_relu(self, x: Tensor) -> Tensor:
        """The block's output for an input that has passed the ReLU.

        Args:
            x: `(N, C, H, W)`, at least 0.
        """
        height, width = x.shape[-2:]
        # Negative padding cuts the first row and column off.
        shifted = F.pad(x, (-1, width % 2, -1, height % 2))
        halves = [self.even(_every_second(x)), self.odd(_every_second(shifted))]
        out: Tensor = self.norm(torch.cat(halves, dim=1))
        return out


def _every_second(x: Tensor) -> Tensor:
    """Every second row and column; unlike a slice, its gradient keeps the layout of `x`."""
    return F.avg_pool2d(x, 1, stride=2)


class SeparableConv(ReLUFirst, WithKernels):
    """Twice: ReLU, depthwise and pointwise convolution, normalisation. The first has the stride.

    Args:
        channels: in and out.
        kernel: pixels a side, odd.
        stride: of the first depthwise convolution.
        norm: the normalisation of a number of channels.

    Example:
        SeparableConv(16, kernel=3, stride=1, norm=affine_batch_norm)(x)
    """

    def __init__(self, channels: int, kernel: int, stride: int, norm: Norm) -> None:
        super().__init__(
            nn.ReLU(),
            DepthwiseConv2d(channels, kernel, stride),
            nn.Conv2d(channels, channels, 1, bias=False),
            norm(channels),
            nn.ReLU(inplace=True),
            DepthwiseConv2d(channels, kernel, 1),
            nn.Conv2d(channels, channels, 1, bias=False),
            norm(channels),
        )

    def forward(self, x: Tensor, factor: Tensor | None = None) -> Tensor:
        """The block's output.

        Args:
            x: `(N, channels, H, W)`.
            factor: of each sample of the output, `(N, 1, 1, 1)`.
        """
        if self.use_kernels:
            r1, d1, p1, n1, r2, d2, p2, n2 = _modules(self)
            out = fused.separable(x, (d1, d2), (p1, p2), (n1, n2), (r1, r2), factor)
            if out is not None:
                return out
        return times(_run(self, x), factor)


class AveragePool(nn.AvgPool2d, WithKernels):
    """The mean of 3x3 pixels, those that there are: zeros of the padding do not count.

    Args:
        stride: in both directions.

    Example:
        AveragePool(stride=2)(x)
    """

    stride: int

    def __init__(self, stride: int) -> None:
        super().__init__(3, stride, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        """The pooled map.

        Args:
            x: `(N, C, H, W)`.
        """
        out = fused.average_pool(x, self.stride) if self.use_kernels else None
        return super().forward(x) if out is None else out


class MaxPool(nn.MaxPool2d, WithKernels):
    """The largest of 3x3 pixels, those that there are.

    Args:
        stride: in both directions.

    Example:
        MaxPool(stride=2)(x)
    """

    stride: int

    def __init__(self, stride: int) -> None:
        super().__init__(3, stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The pooled map.

        Args:
            x: `(N, C, H, W)`.
        """
        out = fused.max_pool(x, self.stride) if self.use_kernels else None
        return super().forward(x) if out is None else out


def _identity(channels: int, stride: int, norm: Norm) -> nn.Module:
    """At stride 2 something has to bring the map to its size."""
    return Identity() if stride == 1 else FactorisedReduction(channels, channels, norm)


def _separable(kernel: int) -> Callable[[int, int, Norm], nn.Module]:
    """The separable convolution of this kernel."""
    return lambda channels, stride, norm: SeparableConv(channels, kernel, stride, norm)


def _average_pool(channels: int, stride: int, norm: Norm) -> nn.Module:
    return AveragePool(stride)


def _max_pool(channels: int, stride: int, norm: Norm) -> nn.Module:
    return MaxPool(stride)


OPERATIONS: Mapping[str, Callable[[int, int, Norm], nn.Module]] = MappingProxyType(
    {
        "identity": _identity,
        "sep_conv_3x3": _separable(3),
        "sep_conv_5x5": _separable(5),
        "avg_pool_3x3": _average_pool,
        "max_pool_3x3": _max_pool,
    }
)
"""Name -> `(channels, stride, norm) -> module`, in the paper's order."""


def operations_with_weights() -> dict[str, bool]:
    """Whether each operation has weights at stride 1, with the batch norm of the search."""
    return {
        name: any(True for _ in make(1, 1, batch_statistics).parameters())
        for name, make in OPERATIONS.items()
    }
