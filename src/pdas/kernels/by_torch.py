"""The same functions by torch's own operations: what the operators are measured against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def separable(
    x: Tensor,
    filters1: Tensor,
    mix1: Tensor,
    scale1: Tensor | None,
    shift1: Tensor | None,
    statistics1: Tensor | None,
    filters2: Tensor,
    mix2: Tensor,
    scale2: Tensor | None,
    shift2: Tensor | None,
    statistics2: Tensor | None,
    keep: Tensor | None,
    stride: int,
    epsilon: float,
) -> Tensor:
    """Twice ReLU, depthwise and 1x1 convolution, norm; `(N, C, H, W) -> (N, C', H', W')`.

    Args:
        x: the map.
        filters1, filters2: of the depthwise convolutions, `(C, 1, K, K)`; the first has the stride.
        mix1, mix2: of the 1x1 convolutions, `(C', C, 1, 1)`.
        scale1, shift1, scale2, shift2: of the norms, `(C',)`, or None.
        statistics1, statistics2: mean and biased variance `(2, C')`; None for the batch's.
        keep: a factor for each sample of the output, `(N,)`, or None.
        stride: 1 or 2.
        epsilon: of the norms.
    """
    border = filters1.shape[-1] // 2
    h = F.conv2d(F.relu(x), filters1, None, stride, border, groups=filters1.shape[0])
    h = _norm(F.conv2d(h, mix1), scale1, shift1, statistics1, epsilon)
    h = F.conv2d(F.relu(h), filters2, None, 1, border, groups=filters2.shape[0])
    return _times(_norm(F.conv2d(h, mix2), scale2, shift2, statistics2, epsilon), keep)


def pointwise(
    xs: Sequence[Tensor],
    mixes: Sequence[Tensor],
    scale: Tensor | None,
    shift: Tensor | None,
    statistics: Tensor | None,
    keep: Tensor | None,
    epsilon: float,
) -> Tensor:
    """ReLU, 1x1 convolution and norm of maps side by side, or of the alternate pixels of one.

    Args:
        xs: the maps, of one size.
        mixes: one weight `(C', C, 1, 1)` for all; or two, the first for the even pixels of the
            only map and the second for those one row and column further.
        scale, shift, statistics, keep, epsilon: as of `separable`.
    """
    x = torch.cat([F.relu(each) for each in xs], dim=1)
    parts = [x]
    if len(mixes) == 2:
        height, width = x.shape[-2:]
        shifted = F.pad(x, (-1, width % 2, -1, height % 2))
        parts = [x[..., ::2, ::2], shifted[..., ::2, ::2]]
    z = torch.cat([F.conv2d(p, mix) for p, mix in zip(parts, mixes, strict=True)], dim=1)
    return _times(_norm(z, scale, shift, statistics, epsilon), keep)


def average_pool(x: Tensor, stride: int) -> Tensor:
    """The mean of 3x3 pixels, those that there are."""
    return F.avg_pool2d(x, 3, stride, padding=1, count_include_pad=False)


def max_pool(x: Tensor, stride: int) -> Tensor:
    """The largest of 3x3 pixels, those that there are."""
    return F.max_pool2d(x, 3, stride, padding=1)


def max_pool_gradient(gradient: Tensor, places: Tensor, stride: int, size: Sequence[int]) -> Tensor:
    """The gradient of `max_pool`: each value goes where the largest pixel was.

    Args:
        gradient: of the result, `(N, C, H', W')`.
        places: of the same shape; which of the nine pixels it was, row by row.
        stride: 1 or 2.
        size: H and W of the input.
    """
    height, width = size
    rows, columns = (stride * torch.arange(side) - 1 for side in gradient.shape[2:])
    index = (rows[:, None] + places // 3) * width + columns + places % 3
    maps = gradient.shape[:2]
    flat = gradient.new_zeros(*maps, height * width)
    filled = flat.scatter_add(2, index.reshape(*maps, -1), gradient.reshape(*maps, -1))
    return filled.reshape(*maps, height, width)


def _norm(
    z: Tensor,
    scale: Tensor | None,
    shift: Tensor | None,
    statistics: Tensor | None,
    epsilon: float,
) -> Tensor:
    mean, variance = (None, None) if statistics is None else statistics.to(z.dtype)
    return F.batch_norm(z, mean, variance, scale, shift, statistics is None, 0.0, epsilon)


def _times(x: Tensor, keep: Tensor | None) -> Tensor:
    return x if keep is None else x * keep[:, None, None, None]
