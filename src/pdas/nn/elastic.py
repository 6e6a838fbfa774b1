"""Linear layers and convolutions whose widths are choices.

The weight of the widest is kept, and its leading slice is used: nothing is padded, and what lies
beyond the slice has no gradient.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.sliced import SlicedWeight
from pdas.nn.value import Size, Value, same_size, selected, widths_of
from pdas.support.errors import NetworkError

Pair = int | tuple[int, int]


class ChosenSlice(SlicedWeight):
    """A weight of which the slice of the selected widths is used.

    Attributes:
        widths: of its first dimensions.
    """

    def __init__(self, whole: Tensor, *widths: Size) -> None:
        super().__init__(whole, *map(widths_of, widths))
        self.widths = widths  # in a tuple, so that the layer alone has them as its modules

    def selected(self) -> Tensor:
        """The slice of the selected widths."""
        return self.forward(*map(selected, self.widths))


class SlicedLayer(nn.Module):
    """A layer with weights that are sliced, and the plain layer that it stands for.

    Attributes:
        weight, bias: the weights, or None where the layer has none.
    """

    weight: ChosenSlice | None
    bias: ChosenSlice | None

    def __init__(self) -> None:
        super().__init__()
        # Moved along with the module, so that a layer without weights knows device and precision.
        self.register_buffer("_like", torch.empty(0), persistent=False)

    def plain(self) -> nn.Module:
        """A plain layer of the selected widths, with fresh weights."""
        raise NotImplementedError

    @torch.no_grad()
    def derived(self) -> nn.Module:
        """The plain layer of the selected widths, with these weights."""
        layer = self.plain().train(self.training).to(self.get_buffer("_like"))
        for name, sliced in (("weight", self.weight), ("bias", self.bias)):
            if sliced is not None:
                weight = layer.get_parameter(name)
                weight.copy_(sliced.selected())
                weight.requires_grad_(any(block.requires_grad for block in sliced.parameters()))
        return layer


def sliced(whole: Tensor | None, *widths: Size) -> ChosenSlice | None:
    """A weight with its widths, if there is one."""
    return None if whole is None else ChosenSlice(whole, *widths)


def slice_of(weight: ChosenSlice | None) -> Tensor | None:
    """The selected slice of a weight, if there is one."""
    return None if weight is None else weight.selected()


class Linear(SlicedLayer):
    """`nn.Linear` whose features may be choices: `pdas.nn.Linear(64, width)`.

    in_features, out_features: a number, a `Value` or a multiple of one.
    """

    weight: ChosenSlice

    def __init__(self, in_features: Size, out_features: Size, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        widest = nn.Linear(widths_of(in_features)[-1], widths_of(out_features)[-1], bias)
        self.weight = ChosenSlice(widest.weight, out_features, in_features)
        self.bias = sliced(widest.bias, out_features)

    def forward(self, x: Tensor) -> Tensor:
        """`(..., in_features) -> (..., out_features)`."""
        return F.linear(x, self.weight.selected(), slice_of(self.bias))

    def plain(self) -> nn.Linear:
        return nn.Linear(
            selected(self.in_features), selected(self.out_features), self.bias is not None
        )


class Conv2d(SlicedLayer):
    """`nn.Conv2d` whose channels may be choices.

    in_channels, out_channels: a number, a `Value` or a multiple of one.
    stride: as of `nn.Conv2d`, or a `Value`.
    groups: 1; or the channels of a depthwise convolution, which are then those in and out; or any
        number, where no channels are a choice.
    """

    weight: ChosenSlice

    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
        kernel_size: Pair,
        stride: Pair | Value = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: Size = 1,
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
        columns = in_channels if same_size(groups, 1) else widest.weight.shape[1]
        self.weight = ChosenSlice(widest.weight, out_channels, columns)
        self.bias = sliced(widest.bias, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_channels, H, W) -> (N, out_channels, H', W')`."""
        weight, bias, stride = self.weight.selected(), slice_of(self.bias), selected(self.stride)
        return F.conv2d(x, weight, bias, stride, self.padding, self.dilation, selected(self.groups))

    def plain(self) -> nn.Conv2d:
        return nn.Conv2d(
            selected(self.in_channels),
            selected(self.out_channels),
            self.kernel_size,
            selected(self.stride),
            self.padding,
            self.dilation,
            selected(self.groups),
            self.bias is not None,
        )


class ConvTranspose2d(SlicedLayer):
    """`nn.ConvTranspose2d` whose channels may be choices.

    in_channels, out_channels: a number, a `Value` or a multiple of one.
    stride: as of `nn.ConvTranspose2d`, or a `Value`.
    """

    weight: ChosenSlice

    def __init__(
        self,
        in_channels: Size,
        out_channels: Size,
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
        self.weight = ChosenSlice(widest.weight, in_channels, out_channels)
        self.bias = sliced(widest.bias, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_channels, H, W) -> (N, out_channels, H', W')`."""
        weight, bias, stride = self.weight.selected(), slice_of(self.bias), selected(self.stride)
        return F.conv_transpose2d(x, weight, bias, stride, self.padding, self.output_padding)

    def plain(self) -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(
            selected(self.in_channels),
            selected(self.out_channels),
            self.kernel_size,
            selected(self.stride),
            self.padding,
            self.output_padding,
            bias=self.bias is not None,
        )


def _check_stride(stride: Pair | Value) -> None:
    if isinstance(stride, Value):
        widths_of(stride)  # whole numbers above 0, too


def _check_groups(in_channels: Size, out_channels: Size, groups: Size) -> None:
    depthwise = same_size(groups, in_channels) and same_size(groups, out_channels)
    plain = all(isinstance(size, int) for size in (in_channels, out_channels, groups))
    if not (same_size(groups, 1) or depthwise or plain):
        raise NetworkError(
            f"Conv2d: found groups = {groups} with {in_channels} and {out_channels} channels, "
            "expected 1, the same choice in all three, or numbers only; set groups=1"
        )
