"""The initial weights of auto-encoders."""

from __future__ import annotations

import math
from typing import TypeVar

from torch import nn

C = TypeVar("C", nn.Conv2d, nn.ConvTranspose2d)


def he(convolution: C, *, relu: bool = True) -> C:
    """Draw the weights by He et al. 2015, so that signals keep their size; returns the module.

    Its sum runs over k^2 inputs a channel, k^2 / stride^2 of a transposed convolution, on average.
    The paper names no initialisation. With PyTorch's own, signals shrink by the square root of 6 in
    every layer, since there is no normalisation, and deep chains do not begin to learn.
    """
    terms = convolution.in_channels * math.prod(convolution.kernel_size)
    if isinstance(convolution, nn.ConvTranspose2d):
        terms //= math.prod(convolution.stride)
    nn.init.normal_(convolution.weight, std=math.sqrt((2 if relu else 1) / max(terms, 1)))
    return convolution
