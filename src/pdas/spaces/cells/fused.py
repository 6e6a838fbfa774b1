"""Blocks of the cells as one compiled operator each, where that serves (see `pdas.kernels`).

Each function gives the block's output, or None where the block has to run as it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from pdas.kernels import operators
from pdas.kernels.conditions import serves, unchanged
from pdas.spaces.cells.depthwise import DepthwiseConv2d

_KERNELS = ((3, 3), (5, 5))
_STRIDES = ((1, 1), (2, 2))
_Two: TypeAlias = "tuple[Any, Any]"  # modules, whose classes are checked


class _Norm(NamedTuple):
    """The arguments of a norm: learned scale and shift, and statistics that are not the batch's."""

    scale: Tensor | None
    shift: Tensor | None
    statistics: Tensor | None


def separable(
    x: Tensor,
    depthwise: _Two,
    pointwise: _Two,
    norms: _Two,
    relus: _Two,
    factor: Tensor | None,
) -> Tensor | None:
    """A separable convolution.

    Args:
        x: `(N, C, H, W)`, before its ReLU.
        depthwise, pointwise, norms, relus: the first and the second of each.
        factor: of each sample of the output, `(N, 1, 1, 1)`, or None.
    """
    if not unchanged(
        *((m, DepthwiseConv2d) for m in depthwise),
        *((m, nn.BatchNorm2d) for m in norms),
        *((m, nn.ReLU) for m in relus),
    ) or not plain_convolutions(*pointwise):
        return None
    (d1, d2), (p1, p2), (n1, n2) = depthwise, pointwise, norms
    weights = d1.weight, p1.weight, d2.weight, p2.weight
    if (
        d1.kernel_size not in _KERNELS
        or d1.stride not in _STRIDES
        or n1.eps != n2.eps
        or not serves(x, factor, *weights, *_tensors(n1), *_tensors(n2))
        or _is_one_value(x, d1.stride[0])
    ):
        return None
    first, second = _norm(n1), _norm(n2)
    if (first.statistics is None) != (second.statistics is None):
        return None
    out, of1, of2 = operators.separable(
        x, *weights[:2], *first, *weights[2:], *second, _of_samples(factor), d1.stride[0], n1.eps
    )
    count = out.numel() // out.shape[1]
    _update(n1, of1, count)
    _update(n2, of2, count)
    return out


def pointwise(
    xs: Sequence[Tensor], weights: Sequence[Tensor], norm: Any, factor: Tensor | None = None
) -> Tensor | None:
    """ReLU, 1x1 convolution and norm.

    Args:
        xs: maps that are taken side by side, before their ReLU.
        weights: one, or two for the alternate pixels of one map.
        norm: of the result.
        factor: of each sample of the output, `(N, 1, 1, 1)`, or None.
    """
    if not unchanged((norm, nn.BatchNorm2d)) or not serves(
        xs[0], *xs[1:], factor, *weights, *_tensors(norm)
    ):
        return None
    if _is_one_value(xs[0], len(weights)):
        return None
    out, statistics = operators.pointwise(
        list(xs), list(weights), *_norm(norm), _of_samples(factor), norm.eps
    )
    _update(norm, statistics, out.numel() // out.shape[1])
    return out


def plain_convolutions(*convolutions: Any) -> bool:
    """Whether they are 1x1 convolutions and only that, so that their weights are all there is."""
    return unchanged(*((each, nn.Conv2d) for each in convolutions)) and all(
        each.bias is None
        and each.kernel_size == each.stride == (1, 1)
        and each.padding == (0, 0)
        and each.groups == 1
        for each in convolutions
    )


def average_pool(x: Tensor, stride: int) -> Tensor | None:
    """The mean of 3x3 pixels.

    Args:
        x: `(N, C, H, W)`.
        stride: 1 or 2.
    """
    return operators.average_pool(x, stride) if serves(x) else None


def max_pool(x: Tensor, stride: int) -> Tensor | None:
    """The largest of 3x3 pixels.

    Args:
        x: `(N, C, H, W)`.
        stride: 1 or 2.
    """
    return operators.max_pool(x, stride) if serves(x) else None


def _of_samples(factor: Tensor | None) -> Tensor | None:
    return None if factor is None else factor.flatten()


def _tensors(norm: nn.BatchNorm2d) -> tuple[Tensor | None, ...]:
    return norm.weight, norm.bias, norm.running_mean, norm.running_var


def _is_one_value(x: Tensor, stride: int) -> bool:
    """Whether a norm would have one value a channel, which torch refuses in training."""
    return x.shape[0] == 1 and max(x.shape[2:]) <= stride


def _norm(norm: nn.BatchNorm2d) -> _Norm:
    mean, variance = norm.running_mean, norm.running_var
    if norm.training or mean is None or variance is None:
        return _Norm(norm.weight, norm.bias, None)
    return _Norm(norm.weight, norm.bias, torch.stack([mean, variance]).double())


@torch.no_grad()
def _update(norm: nn.BatchNorm2d, statistics: Tensor, count: int) -> None:
    """The running statistics, as `nn.BatchNorm2d` keeps them.

    Args:
        norm: whose they are.
        statistics: mean and biased variance of the batch, `(2, C)`.
        count: of values a channel.
    """
    if not norm.training or not norm.track_running_stats or norm.running_mean is None:
        return
    assert norm.running_var is not None
    share = norm.momentum or 0.0
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
        if norm.momentum is None:
            share = 1 / float(norm.num_batches_tracked)
    mean, variance = statistics.to(norm.running_mean.dtype)
    norm.running_mean.lerp_(mean, share)
    norm.running_var.lerp_(variance * (count / (count - 1)), share)
