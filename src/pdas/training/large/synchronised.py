"""Batch norm over the whole batch of a retraining, of which each rank has a part.

Torch's `SyncBatchNorm` refuses CPUs, so that it could be neither tested nor used on them. This one
sends two messages a layer: the means and variances of a part, and in the backward pass two sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pdas.distributed.ranks import Ranks


@contextmanager
def synchronised(module: nn.Module, ranks: Ranks) -> Iterator[None]:
    """Within it, batch norms in training mode normalise by the statistics of all ranks.

    Every rank must have a part of the same shape. With one rank nothing changes.

    Args:
        module: whose batch norms are meant.
        ranks: the processes of the training.

    Example:
        with synchronised(module, ranks):
            module(part).backward()
    """
    norms: list[Any] = []
    if ranks.size > 1:
        norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
    kinds = [type(norm) for norm in norms]
    # The class changes, and not a method: what looks for a plain batch norm, to run a kernel in its
    # place, finds none.
    for norm in norms:
        norm.ranks = ranks
        norm.__class__ = SynchronisedBatchNorm
    try:
        yield
    finally:
        for norm, kind in zip(norms, kinds, strict=True):
            norm.__class__ = kind
            del norm.ranks


class SynchronisedBatchNorm(_BatchNorm):
    """What a batch norm is within `synchronised`; its weights and statistics are those it had.

    Attributes:
        ranks: whose parts are one batch.

    Example:
        with synchronised(nn.BatchNorm2d(8), ranks): ...
    """

    ranks: Ranks

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # messages are not traced
    def forward(self, x: Tensor) -> Tensor:
        """The normalised part.

        Args:
            x: `(N, C, ...)`, of the same shape on every rank.
        """
        if not self.training and self.running_mean is not None:
            mean, variance = self.running_mean, self.running_var
            return F.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)
        out, mean, variance = _Normalise.apply(x, self.weight, self.bias, self.eps, self.ranks)
        if self.training and self.running_mean is not None:
            self._keep(mean, variance, self.ranks.size * x.numel() // x.shape[1])
        result: Tensor = out
        return result

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Update the running statistics as torch does, by the unbiased variance."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = self.momentum
        if share is None:
            share = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        unbiased = variance * (count / (count - 1))
        self.running_var.lerp_(unbiased.to(self.running_var), share)

    def _check_input_dim(self, input: Tensor) -> None:
        """Maps of any number of dimensions, as the class before has checked its own."""


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) * weight + bias, by the mean and variance of all ranks."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, ranks: Ranks
    ) -> tuple[Tensor, Tensor, Tensor]:
        wide = _wide(x)
        variance, mean = torch.var_mean(wide, _others(x), correction=0)
        parts = ranks.stack(torch.stack([mean, variance]))  # (ranks, 2, C)
        mean = parts[:, 0].mean(0)
        # The parts have one size, so this is the variance of them all, without cancellation.
        variance = (parts[:, 1] + (parts[:, 0] - mean).square()).mean(0)
        scale, shift = (None if each is None else each.to(wide.dtype) for each in (weight, bias))
        out = F.batch_norm(x, mean, variance, scale, shift, eps=eps)
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        ctx.ranks = ranks
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        shape = [1, -1] + [1] * (x.dim() - 2)
        others = _others(x)
        gradient = _wide(gradients[0])
        normal = (_wide(x) - mean.view(shape)) * scale.view(shape)
        own = torch.stack([gradient.sum(others), (gradient * normal).sum(others)])
        # Ioffe and Szegedy 2015, section 3, with the means over the batch of all ranks.
        shift, slope = ctx.ranks.stack(own).mean(0) / (x.numel() // x.shape[1])
        factor = scale if weight is None else scale * weight
        inner = gradient - shift.view(shape) - normal * slope.view(shape)
        of_x = (inner * factor.view(shape)).to(x.dtype)
        of_weight, of_bias = (None, None) if weight is None else own.flip(0).to(weight.dtype)
        return of_x, of_weight, of_bias, None, None


def _wide(x: Tensor) -> Tensor:
    """In at least 32 bits, in which sums are taken."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _others(x: Tensor) -> list[int]:
    """All dimensions but that of the channels."""
    return [0, *range(2, x.dim())]
