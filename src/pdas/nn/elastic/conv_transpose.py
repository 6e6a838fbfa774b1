"""Transposed convolutions whose channels are choices."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.conv import Sizes, take_settings
from pdas.nn.widths import ChosenWidth, Width, widest
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class ConvTranspose2d(Elastic, nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` whose channels may be choices.

    Args:
        in_channels, out_channels: a number, a `Value`, or a sum or a multiple of such.
        kernel_size, padding, output_padding, bias, dilation: as of `nn.ConvTranspose2d`.
        stride: as of `nn.ConvTranspose2d`, or a `Value`.

    Raises:
        NetworkError: something is no width.

    Example:
        pdas.nn.ConvTranspose2d(pdas.nn.Value("width", [16, 32]), 3, 2, stride=2)
    """

    kind = nn.ConvTranspose2d

    def __init__(
        self,
        in_channels: Width,
        out_channels: Width,
        kernel_size: Sizes,
        stride: Sizes | ChosenWidth = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
    ) -> None:
        super().__init__()
        whole = nn.ConvTranspose2d(
            widest(in_channels),
            widest(out_channels),
            kernel_size,  # type: ignore[arg-type]
            padding=padding,  # type: ignore[arg-type]
            output_padding=output_padding,  # type: ignore[arg-type]
            bias=bias,
            dilation=dilation,  # type: ignore[arg-type]
        )
        take_settings(self, whole, stride)
        self.set_sizes(in_channels=in_channels, out_channels=out_channels, groups=1)
        self.add_weight("weight", whole.weight, in_channels, out_channels)
        self.add_weight("bias", whole.bias, out_channels)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        if layer.groups != 1:
            refuse(
                NetworkError,
                "ConvTranspose2d",
                found=f"groups = {layer.groups}",
                expected="1",
                remedy="leave the layer as it is",
            )
        return {
            "in_channels": layer.in_channels,
            "out_channels": layer.out_channels,
            "kernel_size": layer.kernel_size,
            "stride": layer.stride,
            "padding": layer.padding,
            "output_padding": layer.output_padding,
            "bias": layer.bias is not None,
            "dilation": layer.dilation,
        }
