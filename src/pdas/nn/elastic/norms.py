"""Normalisations of maps and features whose width is a choice.

In training, batch norm takes the statistics of the current batch and keeps none: those of one
architecture would be wrong for another. In evaluation it does the same, unless it has those of the
trained layer that it was made of. The plain layer of a derived network keeps running statistics as
usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.widths import Width, segments_of, widest
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class _BatchNorm(Elastic):
    """Both kinds, which differ in their plain layer only."""

    def __init__(
        self,
        num_features: Width,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.set_sizes(num_features=num_features)
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        whole = self.kind(widest(num_features), affine=affine)
        self.add_weight("weight", whole.weight, num_features)  # type: ignore[arg-type]
        self.add_weight("bias", whole.bias, num_features)  # type: ignore[arg-type]
        self.add_buffer("running_mean", None, num_features)
        self.add_buffer("running_var", None, num_features)
        self.add_buffer("num_batches_tracked", None)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape.

        In evaluation a single value of each feature is its own mean; in training it is an error, as
        of `nn.BatchNorm1d`.
        """
        mean, var = (None, None) if self.training else (self.running_mean, self.running_var)
        weight, bias = self.weight, self.bias
        if not self.training and mean is None and x.numel() == x.shape[1]:
            # As in a profile of one example. `0 * x` keeps the shape, and lets NaN through.
            return torch.zeros_like(x) if bias is None else bias.view(1, -1, *x.shape[2:]) + 0 * x
        return F.batch_norm(x, mean, var, weight, bias, mean is None, 0.0, self.eps)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        names = ("num_features", "eps", "momentum", "affine", "track_running_stats")
        return {name: getattr(layer, name) for name in names}

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Tensor], prefix: str, *others: Any
    ) -> None:
        for name in _STATISTICS:  # which there are from now on
            if prefix + name in state_dict:
                like = self.get_buffer("_like")
                self._buffers[name] = state_dict[prefix + name].clone().to(like.device)
        super()._load_from_state_dict(state_dict, prefix, *others)


class BatchNorm1d(_BatchNorm, nn.BatchNorm1d):
    """`nn.BatchNorm1d` whose features may be a choice; in training always of the current batch.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.BatchNorm1d`; the momentum is that of
            the derived network.

    Raises:
        NetworkError: the features are no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.BatchNorm1d(width), nn.ReLU())
    """

    kind = nn.BatchNorm1d


class BatchNorm2d(_BatchNorm, nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose channels may be a choice; in training always of the current batch.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.BatchNorm2d`; the momentum is that of
            the derived network.

    Raises:
        NetworkError: the channels are no width.

    Example:
        nn.Sequential(pdas.nn.Conv2d(3, width, 3), pdas.nn.BatchNorm2d(width), nn.ReLU())
    """

    kind = nn.BatchNorm2d


class BatchNorm3d(_BatchNorm, nn.BatchNorm3d):
    """`nn.BatchNorm3d` whose channels may be a choice; see `BatchNorm2d`.

    Example:
        nn.Sequential(pdas.nn.Conv3d(1, width, 3), pdas.nn.BatchNorm3d(width), nn.ReLU())
    """

    kind = nn.BatchNorm3d


class LayerNorm(Elastic, nn.LayerNorm):
    """`nn.LayerNorm` over a last dimension that may be a choice.

    Args:
        normalized_shape: a number, a `Value`, or a sum or a multiple of such.
        eps, elementwise_affine, bias: as of `nn.LayerNorm`.

    Raises:
        NetworkError: the dimension is no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.LayerNorm(width), nn.ReLU())
    """

    kind = nn.LayerNorm

    def __init__(
        self,
        normalized_shape: Width,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.set_sizes(width=normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        whole = nn.LayerNorm(widest(normalized_shape), eps, elementwise_affine, bias)
        self.add_weight("weight", whole.weight, normalized_shape)
        self.add_weight("bias", whole.bias, normalized_shape)

    @property
    def normalized_shape(self) -> tuple[Any, ...]:  # type: ignore[override]
        """The normalised dimension as PyTorch has it, of one width."""
        return (self.width,)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        if len(layer.normalized_shape) != 1:
            refuse(
                NetworkError,
                "LayerNorm",
                found=f"normalized_shape = {tuple(layer.normalized_shape)}",
                expected="one dimension",
                remedy="leave the layer as it is",
            )
        affine = layer.elementwise_affine
        return {
            "normalized_shape": layer.normalized_shape[0],
            "eps": layer.eps,
            "elementwise_affine": affine,
            "bias": layer.bias is not None or not affine,
        }


class GroupNorm(Elastic, nn.GroupNorm):
    """`nn.GroupNorm` whose channels may be a choice.

    Args:
        num_groups: a number that divides every width.
        num_channels: a number, a `Value`, or a sum or a multiple of such.
        eps, affine: as of `nn.GroupNorm`.

    Raises:
        NetworkError: the channels are no width, or the groups do not divide it.

    Example:
        nn.Sequential(pdas.nn.Conv2d(3, width, 3), pdas.nn.GroupNorm(4, width), nn.ReLU())
    """

    kind = nn.GroupNorm

    def __init__(
        self, num_groups: int, num_channels: Width, eps: float = 1e-5, affine: bool = True
    ) -> None:
        super().__init__()
        for segment in segments_of(num_channels):
            for width in segment.sizes:
                if width % num_groups:
                    refuse(
                        NetworkError,
                        "GroupNorm",
                        found=f"{num_groups} groups for {width} channels of {num_channels}",
                        expected="a number that divides every width",
                    )
        self.num_groups, self.eps, self.affine = num_groups, eps, affine
        self.set_sizes(num_channels=num_channels)
        whole = nn.GroupNorm(num_groups, widest(num_channels), eps, affine)
        self.add_weight("weight", whole.weight, num_channels)
        self.add_weight("bias", whole.bias, num_channels)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        names = ("num_groups", "num_channels", "eps", "affine")
        return {name: getattr(layer, name) for name in names}
