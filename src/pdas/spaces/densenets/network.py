"""The derived network: a stem, dense blocks with transitions between them, and a classifier.

Huang et al., "Densely Connected Convolutional Networks", CVPR 2017. There a norm and a ReLU come
before each convolution; here they come after it. So every map is the output of a ReLU, and a layer
can be the identity, as Net2Deeper needs it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pdas.space import Architecture
from pdas.spaces.densenets.net2net import earliest_matches, grown
from pdas.spaces.densenets.passing import PassingBatchNorm
from pdas.spaces.densenets.settings import DenseNetSize
from pdas.spaces.densenets.space import Growths, growths_of

BOTTLENECK = 4  # times the growth


class Unit(nn.Module):
    """Convolution, batch norm, ReLU.

    Args:
        inputs, outputs: channels.
        kernel: pixels a side, odd.

    Example:
        Unit(8, 16, kernel=3)(torch.zeros(1, 8, 5, 5)).shape  # (1, 16, 5, 5)
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = PassingBatchNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, inputs, H, W)` to `(N, outputs, H, W)`."""
        return torch.relu(self.norm(self.conv(x)))


class DenseLayer(nn.Module):
    """A bottleneck and a convolution, whose output is added to the channels of the input.

    Args:
        inputs: channels.
        growth: channels that it adds.

    Example:
        DenseLayer(8, 4)(torch.zeros(1, 8, 5, 5)).shape  # (1, 12, 5, 5)
    """

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.reduce = Unit(inputs, BOTTLENECK * growth, 1)
        self.grow = Unit(BOTTLENECK * growth, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, inputs, H, W)` to `(N, inputs + growth, H, W)`."""
        return torch.cat([x, self.grow(self.reduce(x))], 1)


class DenseNet(nn.Module):
    """A classifier of dense blocks.

    Args:
        growths: of each block, the growths of its layers.
        size: channels of the images and of the stem, and classes.

    Attributes:
        growths: see above.
        size: see above.

    Example:
        DenseNet(((4, 4), (4,), ()), size)(torch.zeros(1, 1, 14, 14))
    """

    def __init__(self, growths: Growths, size: DenseNetSize) -> None:
        super().__init__()
        self.growths, self.size = growths, size
        channels = size.stem
        self.stem = Unit(size.image_channels, channels, 3)
        self.blocks, self.transitions = nn.ModuleList(), nn.ModuleList()
        for number, block in enumerate(growths):
            if number:
                self.transitions.append(Unit(channels, channels // 2, 1))
                channels //= 2
            layers = nn.Sequential()
            for growth in block:
                layers.append(DenseLayer(channels, growth))
                channels += growth
            self.blocks.append(layers)
        self.classifier = nn.Linear(channels, size.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, C, H, W)`."""
        x = self.stem(images)
        for number, block in enumerate(self.blocks):
            if number:
                x = nn.functional.avg_pool2d(self.transitions[number - 1](x), 2, ceil_mode=True)
            x = block(x)
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits

    def inherited(
        self, parent: Architecture, weights: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor]:
        """The weights of a parent by Net2Net, with noise; of no ancestor, none.

        Draws depend on the two architectures alone.

        Args:
            parent: its architecture.
            weights: of its network, by name.
        """
        before = growths_of(parent.to_dict())
        matches = [earliest_matches(*each) for each in zip(before, self.growths, strict=True)]
        if None in matches:
            return {}
        seed = zlib.crc32(repr((before, self.growths)).encode())
        known = [each for each in matches if each is not None]
        return grown(self, before, known, weights, torch.Generator().manual_seed(seed), noise=True)
