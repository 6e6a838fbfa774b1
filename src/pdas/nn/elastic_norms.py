"""Normalisation of maps and features whose width is a choice.

Batch norm takes the statistics of the batch at hand, in training and in evaluation, and keeps none:
those of one architecture would be wrong for another. The plain layer of a derived network keeps
running statistics as usual.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.elastic import SlicedLayer, slice_of, sliced
from pdas.nn.value import Size, selected, widths_of
from pdas.support.errors import NetworkError


class _BatchNorm(SlicedLayer):
    kind: type[nn.BatchNorm1d] | type[nn.BatchNorm2d]

    def __init__(
        self, num_features: Size, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        widest = self.kind(widths_of(num_features)[-1], eps, momentum, affine)
        self.weight = sliced(widest.weight, num_features)
        self.bias = sliced(widest.bias, num_features)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape.

        In evaluation a single value of each feature is its own mean; in training it is an error, as
        of `nn.BatchNorm1d`.
        """
        weight, bias = slice_of(self.weight), slice_of(self.bias)
        if not self.training and x.numel() == x.shape[1]:  # as in a trial of one sample
            return torch.zeros_like(x) if bias is None else bias.view(1, -1, *x.shape[2:]) + 0 * x
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=self.eps)

    def plain(self) -> nn.Module:
        affine = self.weight is not None
        return self.kind(selected(self.num_features), self.eps, self.momentum, affine)


class BatchNorm1d(_BatchNorm):
    """`nn.BatchNorm1d` whose features may be a choice; of the batch at hand."""

    kind = nn.BatchNorm1d


class BatchNorm2d(_BatchNorm):
    """`nn.BatchNorm2d` whose channels may be a choice; of the batch at hand."""

    kind = nn.BatchNorm2d


class LayerNorm(SlicedLayer):
    """`nn.LayerNorm` over a last dimension that may be a choice."""

    def __init__(
        self, normalized_shape: Size, eps: float = 1e-5, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps = normalized_shape, eps
        widest = nn.LayerNorm(widths_of(normalized_shape)[-1], eps, elementwise_affine)
        self.weight = sliced(widest.weight, normalized_shape)
        self.bias = sliced(widest.bias, normalized_shape)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape."""
        shape = (selected(self.normalized_shape),)
        return F.layer_norm(x, shape, slice_of(self.weight), slice_of(self.bias), self.eps)

    def plain(self) -> nn.LayerNorm:
        return nn.LayerNorm(selected(self.normalized_shape), self.eps, self.weight is not None)


class GroupNorm(SlicedLayer):
    """`nn.GroupNorm` whose channels may be a choice; the groups must divide every width."""

    def __init__(
        self, num_groups: int, num_channels: Size, eps: float = 1e-5, affine: bool = True
    ) -> None:
        super().__init__()
        for width in widths_of(num_channels):
            if width % num_groups:
                raise NetworkError(
                    f"GroupNorm: found {num_groups} groups for {width} channels of {num_channels}, "
                    "expected a number that divides every width"
                )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        widest = nn.GroupNorm(num_groups, widths_of(num_channels)[-1], eps, affine)
        self.weight = sliced(widest.weight, num_channels)
        self.bias = sliced(widest.bias, num_channels)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape."""
        return F.group_norm(
            x, self.num_groups, slice_of(self.weight), slice_of(self.bias), self.eps
        )

    def plain(self) -> nn.GroupNorm:
        width = selected(self.num_channels)
        return nn.GroupNorm(self.num_groups, width, self.eps, self.weight is not None)
