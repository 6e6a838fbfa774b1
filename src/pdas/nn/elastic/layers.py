"""Linear layers and convolutions whose widths are choices."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.choices.value import Value, Width, same_width, selected_value, widths_of
from pdas.nn.elastic.base import ElasticLayer, ElasticWeight, elastic_weight, selected_weight
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

Pair = int | tuple[int, int]


class Linear(ElasticLayer):
    """`nn.Linear` whose features may be choices.

    Args:
        in_features, out_features: a number, a `Value` or a multiple of one.
        bias: as of `nn.Linear`.

    Raises:
        NetworkError: something is no width.

    Example:
        width = pdas.nn.Value("width", [64, 128])
        nn.Sequential(pdas.nn.Linear(8, width), nn.ReLU(), pdas.nn.Linear(width, 1))
    """

    weight: ElasticWeight

    def __init__(self, in_features: Width, out_features: Width, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        widest = nn.Linear(widths_of(in_features)[-1], widths_of(out_features)[-1], bias)
        self.weight = ElasticWeight(widest.weight, out_features, in_features)
        self.bias = elastic_weight(widest.bias, out_features)

    def forward(self, x: Tensor) -> Tensor:
        """`(..., in_features) -> (..., out_features)`."""
        return F.linear(x, self.weight.selected(), selected_weight(self.bias))

    def plain(self) -> nn.Linear:
        """`nn.Linear` of the selected widths, with fresh weights."""
        return nn.Linear(
            selected_value(self.in_features),
            selected_value(self.out_features),
            self.bias is not None,
        )


class Conv2d(ElasticLayer):
    """`nn.Conv2d` whose channels may be choices.

    Args:
        in_channels, out_channels: a number, a `Value` or a multiple of one.
        kernel_size, padding, dilation, bias: as of `nn.Conv2d`.
        stride: as of `nn.Conv2d`, or a `Value`.
        groups: 1; or the channels of a depthwise convolution, which are then those in and out; or
            any number, where no channels are a choice.

    Raises:
        NetworkError: something is no width, or the groups do not fit the channels.

    Example:
        width = pdas.nn.Value("width", [16, 32])
        pdas.nn.Conv2d(3, width, 3, stride=pdas.nn.Value("stride", [1, 2]), padding=1)
    """

    weight: ElasticWeight

    def __init__(
        self,
        in_channels: Width,
        out_channels: Width,
        kernel_size: Pair,
        stride: Pair | Value = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: Width = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        _check_groups(in_channels, out_channels, groups)
        _check_stride(stride)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = kernel_size, stride
        self.padding, self.dilation = padding, dilation
        widest = nn.Conv2d(
            widths_of(in_channels)[-1],
            widths_of(out_channels)[-1],
            kernel_size,
            groups=widths_of(groups)[-1],
            bias=bias,
        )
        # With groups, a row of the weight has in_channels / groups columns: 1 if it is depthwise.
        columns = in_channels if same_width(groups, 1) else widest.weight.shape[1]
        self.weight = ElasticWeight(widest.weight, out_channels, columns)
        self.bias = elastic_weight(widest.bias, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_channels, H, W) -> (N, out_channels, H', W')`."""
        weight, bias = self.weight.selected(), selected_weight(self.bias)
        stride, groups = selected_value(self.stride), selected_value(self.groups)
        return F.conv2d(x, weight, bias, stride, self.padding, self.dilation, groups)

    def plain(self) -> nn.Conv2d:
        """`nn.Conv2d` of the selected widths, with fresh weights."""
        return nn.Conv2d(
            selected_value(self.in_channels),
            selected_value(self.out_channels),
            self.kernel_size,
            selected_value(self.stride),
            self.padding,
            self.dilation,
            selected_value(self.groups),
            self.bias is not None,
        )


class ConvTranspose2d(ElasticLayer):
    """`nn.ConvTranspose2d` whose channels may be choices.

    Args:
        in_channels, out_channels: a number, a `Value` or a multiple of one.
        kernel_size, padding, output_padding, bias: as of `nn.ConvTranspose2d`.
        stride: as of `nn.ConvTranspose2d`, or a `Value`.

    Raises:
        NetworkError: something is no width.

    Example:
        pdas.nn.ConvTranspose2d(pdas.nn.Value("width", [16, 32]), 3, 2, stride=2)
    """

    weight: ElasticWeight

    def __init__(
        self,
        in_channels: Width,
        out_channels: Width,
        kernel_size: Pair,
        stride: Pair | Value = 1,
        padding: Pair = 0,
        output_padding: Pair = 0,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        _check_stride(stride)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = kernel_size, stride
        self.padding, self.output_padding = padding, output_padding
        widest = nn.ConvTranspose2d(
            widths_of(in_channels)[-1], widths_of(out_channels)[-1], kernel_size, bias=bias
        )
        self.weight = ElasticWeight(widest.weight, in_channels, out_channels)
        self.bias = elastic_weight(widest.bias, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_channels, H, W) -> (N, out_channels, H', W')`."""
        weight, bias = self.weight.selected(), selected_weight(self.bias)
        stride = selected_value(self.stride)
        return F.conv_transpose2d(x, weight, bias, stride, self.padding, self.output_padding)

    def plain(self) -> nn.ConvTranspose2d:
        """`nn.ConvTranspose2d` of the selected widths, with fresh weights."""
        return nn.ConvTranspose2d(
            selected_value(self.in_channels),
            selected_value(self.out_channels),
            self.kernel_size,
            selected_value(self.stride),
            self.padding,
            self.output_padding,
            bias=self.bias is not None,
        )


def _check_stride(stride: Pair | Value) -> None:
    """Raise `NetworkError` unless a chosen stride has whole numbers above 0."""
    if isinstance(stride, Value):
        widths_of(stride)  # asks the same of widths


def _check_groups(in_channels: Width, out_channels: Width, groups: Width) -> None:
    """Raise `NetworkError` for groups that some of the channels do not fit."""
    depthwise = same_width(groups, in_channels) and same_width(groups, out_channels)
    plain = all(isinstance(width, int) for width in (in_channels, out_channels, groups))
    if not (same_width(groups, 1) or depthwise or plain):
        refuse(
            NetworkError,
            "Conv2d",
            found=f"groups = {groups} with {in_channels} and {out_channels} channels",
            expected="1, the same choice in all three, or numbers only",
            remedy="set groups=1",
        )
