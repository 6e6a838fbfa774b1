"""Normalisations of maps and features whose width is a choice.

Batch norm takes the statistics of the current batch, in training and in evaluation, and keeps none:
those of one architecture would be wrong for another. The plain layer of a derived network keeps
running statistics as usual.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.choices.value import Width, selected_value, widths_of
from pdas.nn.elastic.base import ElasticLayer, elastic_weight, selected_weight
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class _BatchNorm(ElasticLayer):
    """Both kinds, which differ in their plain layer only."""

    kind: type[nn.BatchNorm1d] | type[nn.BatchNorm2d]

    def __init__(
        self, num_features: Width, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        widest = self.kind(widths_of(num_features)[-1], eps, momentum, affine)
        self.weight = elastic_weight(widest.weight, num_features)
        self.bias = elastic_weight(widest.bias, num_features)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape.

        In evaluation a single value of each feature is its own mean; in training it is an error, as
        of `nn.BatchNorm1d`.
        """
        weight, bias = selected_weight(self.weight), selected_weight(self.bias)
        if not self.training and x.numel() == x.shape[1]:  # as in a profile of one example
            # `0 * x` keeps the shape, and lets NaN through.
            return torch.zeros_like(x) if bias is None else bias.view(1, -1, *x.shape[2:]) + 0 * x
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=self.eps)

    def plain(self) -> nn.Module:
        affine = self.weight is not None
        return self.kind(selected_value(self.num_features), self.eps, self.momentum, affine)


class BatchNorm1d(_BatchNorm):
    """`nn.BatchNorm1d` whose features may be a choice; always of the current batch.

    Args:
        num_features: a number, a `Value` or a multiple of one.
        eps, momentum, affine: as of `nn.BatchNorm1d`; the momentum is that of the derived network.

    Raises:
        NetworkError: the features are no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.BatchNorm1d(width), nn.ReLU())
    """

    kind = nn.BatchNorm1d


class BatchNorm2d(_BatchNorm):
    """`nn.BatchNorm2d` whose channels may be a choice; always of the current batch.

    Args:
        num_features: a number, a `Value` or a multiple of one.
        eps, momentum, affine: as of `nn.BatchNorm2d`; the momentum is that of the derived network.

    Raises:
        NetworkError: the channels are no width.

    Example:
        nn.Sequential(pdas.nn.Conv2d(3, width, 3), pdas.nn.BatchNorm2d(width), nn.ReLU())
    """

    kind = nn.BatchNorm2d


class LayerNorm(ElasticLayer):
    """`nn.LayerNorm` over a last dimension that may be a choice.

    Args:
        normalized_shape: a number, a `Value` or a multiple of one.
        eps, elementwise_affine: as of `nn.LayerNorm`.

    Raises:
        NetworkError: the dimension is no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.LayerNorm(width), nn.ReLU())
    """

    def __init__(
        self, normalized_shape: Width, eps: float = 1e-5, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps = normalized_shape, eps
        widest = nn.LayerNorm(widths_of(normalized_shape)[-1], eps, elementwise_affine)
        self.weight = elastic_weight(widest.weight, normalized_shape)
        self.bias = elastic_weight(widest.bias, normalized_shape)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape."""
        shape = (selected_value(self.normalized_shape),)
        weight, bias = selected_weight(self.weight), selected_weight(self.bias)
        return F.layer_norm(x, shape, weight, bias, self.eps)

    def plain(self) -> nn.LayerNorm:
        """`nn.LayerNorm` of the selected width, with fresh weights."""
        width = selected_value(self.normalized_shape)
        return nn.LayerNorm(width, self.eps, self.weight is not None)


class GroupNorm(ElasticLayer):
    """`nn.GroupNorm` whose channels may be a choice.

    Args:
        num_groups: a number that divides every width.
        num_channels: a number, a `Value` or a multiple of one.
        eps, affine: as of `nn.GroupNorm`.

    Raises:
        NetworkError: the channels are no width, or the groups do not divide it.

    Example:
        nn.Sequential(pdas.nn.Conv2d(3, width, 3), pdas.nn.GroupNorm(4, width), nn.ReLU())
    """

    def __init__(
        self, num_groups: int, num_channels: Width, eps: float = 1e-5, affine: bool = True
    ) -> None:
        super().__init__()
        for width in widths_of(num_channels):
            if width % num_groups:
                refuse(
                    NetworkError,
                    "GroupNorm",
                    found=f"{num_groups} groups for {width} channels of {num_channels}",
                    expected="a number that divides every width",
                )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        widest = nn.GroupNorm(num_groups, widths_of(num_channels)[-1], eps, affine)
        self.weight = elastic_weight(widest.weight, num_channels)
        self.bias = elastic_weight(widest.bias, num_channels)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape."""
        weight, bias = selected_weight(self.weight), selected_weight(self.bias)
        return F.group_norm(x, self.num_groups, weight, bias, self.eps)

    def plain(self) -> nn.GroupNorm:
        """`nn.GroupNorm` of the selected width, with fresh weights."""
        width = selected_value(self.num_channels)
        return nn.GroupNorm(self.num_groups, width, self.eps, self.weight is not None)
