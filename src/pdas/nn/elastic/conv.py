"""Convolutions, also transposed ones, whose channels, stride and kernel are choices."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.following import GroupCount, Padding, PerDimension, group_size
from pdas.nn.elastic.kernel import KernelWeight, check_kernel
from pdas.nn.widths import ChosenWidth, Width, segments_of, widest, width_text
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

Sizes = int | tuple[int, ...]

# What the forward of PyTorch's convolutions reads, but for their widths.
_SETTINGS = (
    "kernel_size",
    "padding",
    "dilation",
    "output_padding",
    "padding_mode",
    "transposed",
    "_reversed_padding_repeated_twice",
)


class _Conv(Elastic):
    """Those of all dimensions, which differ in their plain layer only."""

    def __init__(
        self,
        in_channels: Width,
        out_channels: Width,
        kernel_size: Sizes | ChosenWidth,
        stride: Sizes | ChosenWidth = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: Width = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        if isinstance(kernel_size, tuple) and any(isinstance(k, ChosenWidth) for k in kernel_size):
            refuse(
                NetworkError,
                f"{type(self).__name__}: kernel_size",
                found="a Value among several numbers",
                expected="one Value for all dimensions, or plain numbers",
                remedy="choose among layers by pdas.nn.Choice",
            )
        size = kernel_size if isinstance(kernel_size, ChosenWidth) else None
        whole: Any = self.kind(
            widest(in_channels),
            widest(out_channels),
            kernel_size if size is None else widest(size),
            padding=padding,
            dilation=dilation,
            groups=widest(groups),
            bias=bias,
            padding_mode=padding_mode,
        )
        _take_settings(self, whole, stride)
        groups = _groups(type(self).__name__, in_channels, out_channels, whole.groups)
        self.set_sizes(in_channels=in_channels, out_channels=out_channels, groups=groups)
        # With groups, a row of the weight has in_channels / groups columns: 1 if it is depthwise.
        columns = in_channels if whole.groups == 1 else whole.weight.shape[1]
        if size is None:
            self.add_weight("weight", whole.weight, out_channels, columns)
        else:
            check_kernel(type(self).__name__, size, whole)
            self.add_module("weight", KernelWeight(whole.weight, out_channels, columns, size))
            self.set_sizes(kernel_size=PerDimension(size, len(whole.kernel_size)))
            if not isinstance(padding, str):
                self.set_sizes(padding=Padding(size, whole.padding, whole.dilation))
        self.add_weight("bias", whole.bias, out_channels)

    def channels_together(self, width: Width) -> int:
        """Those of a group."""
        return group_size(width, self.arguments(self)["groups"])

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        return {
            "in_channels": layer.in_channels,
            "out_channels": layer.out_channels,
            "kernel_size": layer.kernel_size,
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
            "groups": layer.groups,
            "bias": layer.bias is not None,
            "padding_mode": layer.padding_mode,
        }


class Conv1d(_Conv, nn.Conv1d):
    """`nn.Conv1d` whose channels may be choices; see `Conv2d`.

    Example:
        pdas.nn.Conv1d(8, pdas.nn.Value("width", [16, 32]), 3, padding=1)
    """

    kind = nn.Conv1d


class Conv2d(_Conv, nn.Conv2d):
    """`nn.Conv2d` whose channels may be choices.

    Args:
        in_channels, out_channels: a number, a `Value`, or a sum or a multiple of such.
        kernel_size: as of `nn.Conv2d`, or a `Value` of odd numbers, or of even ones. A smaller
            kernel is the centre of the largest.
        stride: as of `nn.Conv2d`, or a `Value`.
        padding: as of `nn.Conv2d`; where the kernel is a choice, that of the largest. Smaller ones
            have less, so that their maps have the same size.
        dilation, bias, padding_mode: as of `nn.Conv2d`.
        groups: of the widest. Fewer channels are fewer groups of the same size. The groups of a
            depthwise convolution may be given as its channels.

    Raises:
        NetworkError: something is no width, or the groups do not fit the channels.

    Example:
        width = pdas.nn.Value("width", [16, 32])
        pdas.nn.Conv2d(3, width, 3, stride=pdas.nn.Value("stride", [1, 2]), padding=1)
    """

    kind = nn.Conv2d


class Conv3d(_Conv, nn.Conv3d):
    """`nn.Conv3d` whose channels may be choices; see `Conv2d`.

    Example:
        pdas.nn.Conv3d(1, pdas.nn.Value("width", [16, 32]), 3, padding=1)
    """

    kind = nn.Conv3d


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
        if isinstance(kernel_size, ChosenWidth):
            refuse(
                NetworkError,
                "ConvTranspose2d: kernel_size",
                found=str(kernel_size),
                expected="a number, or two",
                remedy="choose among layers by pdas.nn.Choice",
            )
        whole = nn.ConvTranspose2d(
            widest(in_channels),
            widest(out_channels),
            kernel_size,  # type: ignore[arg-type]
            padding=padding,  # type: ignore[arg-type]
            output_padding=output_padding,  # type: ignore[arg-type]
            bias=bias,
            dilation=dilation,  # type: ignore[arg-type]
        )
        _take_settings(self, whole, stride)
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


def _take_settings(layer: Elastic, whole: Any, stride: Sizes | ChosenWidth) -> None:
    """Give a layer the settings of the widest plain one, and its stride."""
    for name in _SETTINGS:
        if name in vars(whole):
            setattr(layer, name, getattr(whole, name))
    if isinstance(stride, ChosenWidth):
        segments_of(stride)  # asks of strides what is asked of widths
    elif isinstance(stride, int):
        stride = (stride,) * len(whole.kernel_size)
    layer.set_sizes(stride=stride)


def _groups(layer: str, inputs: Width, outputs: Width, groups: int) -> int | GroupCount:
    """The groups of the selected channels, where those of the widest are given."""
    if groups == 1 or (isinstance(inputs, int) and isinstance(outputs, int)):
        return groups
    pairs = [(width, widest(width) // groups, segments_of(width)) for width in (inputs, outputs)]
    one_choice = len({segment.name for *_, segments in pairs for segment in segments}) == 1
    one_segment = all(len(segments) == 1 for *_, segments in pairs)
    for width, size, (first, *_) in pairs:
        wrong = [channels for channels in first.sizes if channels % size]
        if wrong or not (one_choice and one_segment and isinstance(width, ChosenWidth)):
            found = f"{groups} groups for {width_text(inputs)} and {width_text(outputs)} channels"
            refuse(
                NetworkError,
                layer,
                found=found,
                expected="one choice for both, all of whose widths are whole groups",
                remedy="set groups=1, or take other widths",
            )
    assert isinstance(inputs, ChosenWidth)
    return GroupCount(inputs, pairs[0][1])
