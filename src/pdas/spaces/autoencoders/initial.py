"""The initial weights of auto-encoders."""

from __future__ import annotations

import math
from typing import TypeVar

from torch import nn

C = TypeVar("C", nn.Conv2d, nn.ConvTranspose2d)


def he(convolution: C, *, relu: bool = True) -> C:
    """Draw the weights so that signals keep their size.

    He et al., "Delving Deep into Rectifiers", ICCV 2015: a standard deviation of sqrt(2 / fan-in)
    before a ReLU. An output is a sum over k^2 inputs a channel; of a transposed convolution over
    k^2 / stride^2.

    The paper names no initialisation. With PyTorch's own, signals shrink by the square root of 6 in
    every layer, since there is no normalisation, and deep chains do not begin to learn.

    Args:
        convolution: changed in place.
        relu: whether a ReLU follows.

    Returns:
        The same module.
    """
    fan_in = convolution.in_channels * math.prod(convolution.kernel_size)
    if isinstance(convolution, nn.ConvTranspose2d):
        fan_in //= math.prod(convolution.stride)
    nn.init.normal_(convolution.weight, std=math.sqrt((2 if relu else 1) / max(fan_in, 1)))
    return convolution
