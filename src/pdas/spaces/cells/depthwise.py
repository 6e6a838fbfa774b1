"""Depthwise convolution."""

from __future__ import annotations

from torch import nn


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
