"""Depthwise convolution, with a fast weight gradient of 5x5 filters on CPUs."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.jit._trace import is_tracing

_WIDE = (5, 5)
_PART = 3  # columns of a filter whose weight gradient is computed at a time


class DepthwiseConv2d(nn.Conv2d):
    """One `kernel x kernel` filter a channel, padded to keep the size at stride 1, no bias.

    Args:
        channels: in and out.
        kernel: pixels a side, odd.
        stride: in both directions.

    Example:
        DepthwiseConv2d(16, kernel=3, stride=1)(images)
    """

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(
            channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """The filtered maps.

        Args:
            x: `(N, channels, H, W)`.

        Returns:
            `(N, channels, ceil(H / stride), ceil(W / stride))`.
        """
        if self.kernel_size == _WIDE and _gains(x, self.weight):
            out: Tensor = _WideFilters.apply(x, self.weight, self.stride[0])
            return out
        return super().forward(x)


def _gains(x: Tensor, weight: Tensor) -> bool:
    """Whether the weight gradient will be asked for, and the library's for 5x5 is slow."""
    return (
        isinstance(x, Tensor)  # and no stand-in of torch.fx
        and weight.requires_grad
        and torch.is_grad_enabled()
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == weight.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not is_tracing()  # type: ignore[no-untyped-call]
    )


class _WideFilters(Function):
    """A depthwise 5x5 convolution whose weight gradient is put together from two 5x3 ones.

    The library has fast code for the weight gradient of filters of at most three columns; for five
    it takes up to eight times as long as the two here.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: int) -> Tensor:
        return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=weight.shape[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, stride = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)
        ctx.stride = stride

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, _ = ctx.needs_input_grad
        pad = weight.shape[-1] // 2
        gx = gw = None
        if to_x:
            gx = _gradients(gradient, x, weight, ctx.stride, (pad, pad), (True, False, False))[0]
        if to_weight:
            # With all of the padding on the left, the filter's first columns meet what the whole
            # filter meets with them; with all of it on the right, its last ones.
            narrow = weight[..., :_PART]
            first, last = (
                _gradients(
                    gradient, F.pad(x, sides), narrow, ctx.stride, (pad, 0), (False, True, False)
                )[1]
                for sides in ((pad, 0), (0, pad))
            )
            gw = torch.cat([first, last[..., 2 * _PART - weight.shape[-1] :]], dim=-1)
        return gx, gw, None

    @staticmethod
    def jvp(ctx: Any, x_tangent: Tensor | None, weight_tangent: Tensor | None, _: None) -> Tensor:
        x, weight = ctx.saved_tensors
        parts = [(x_tangent, weight), (x, weight_tangent)]
        terms = [
            _WideFilters.forward(a, b, ctx.stride)
            for a, b in parts
            if a is not None and b is not None
        ]
        return sum(terms[1:], start=terms[0])


def _gradients(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: int,
    padding: tuple[int, int],
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of the input, the weight and the bias of a depthwise convolution."""
    steps, dilation, no_padding = [stride] * 2, [1, 1], [0, 0]
    result: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, steps, padding, dilation, False, no_padding, len(weight), wanted
    )
    return result
