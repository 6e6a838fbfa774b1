"""Normalisations of each map whose width is a choice."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.elastic.batch_norms import Norm
from pdas.nn.widths import Width


class _InstanceNorm(Norm):
    """All of them, which differ in their plain layer only."""

    def __init__(
        self,
        num_features: Width,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        """What the forward of PyTorch calls."""
        mean, var = self.statistics()
        return F.instance_norm(
            input, mean, var, self.weight, self.bias, mean is None, 0.0, self.eps
        )


class InstanceNorm1d(_InstanceNorm, nn.InstanceNorm1d):
    """`nn.InstanceNorm1d` whose channels may be a choice.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.InstanceNorm1d`; the momentum is that
            of the derived network.

    Raises:
        NetworkError: the channels are no width.

    Example:
        pdas.nn.InstanceNorm1d(width)(x)  # of (N, C, L), within a network
    """

    kind = nn.InstanceNorm1d


class InstanceNorm2d(_InstanceNorm, nn.InstanceNorm2d):
    """`nn.InstanceNorm2d` whose channels may be a choice.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.InstanceNorm2d`; the momentum is that
            of the derived network.

    Raises:
        NetworkError: the channels are no width.

    Example:
        pdas.nn.InstanceNorm2d(width)(x)  # of (N, C, H, W), within a network
    """

    kind = nn.InstanceNorm2d


class InstanceNorm3d(_InstanceNorm, nn.InstanceNorm3d):
    """`nn.InstanceNorm3d` whose channels may be a choice.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.InstanceNorm3d`; the momentum is that
            of the derived network.

    Raises:
        NetworkError: the channels are no width.

    Example:
        pdas.nn.InstanceNorm3d(width)(x)  # of (N, C, D, H, W), within a network
    """

    kind = nn.InstanceNorm3d
