"""The derived auto-encoder of one architecture: plain modules at their true widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from pdas.space import Architecture, as_labels
from pdas.spaces.autoencoders.initial import he
from pdas.spaces.autoencoders.space import OUTPUT_KERNEL, Layer, chain_text, decode_chain, traversed
from pdas.spaces.memory_format import Formatted


class AutoencoderNetwork(Formatted):
    """The encoder layers in use, and the decoder that mirrors them (paper, section 4.2).

    Args:
        architecture: of the auto-encoder space, or its labels.
        image_channels: channels of the images.
        size: height and width of the images, which decide what samples down; images of other sizes
            can be restored too.

    Attributes:
        architecture: its labels.
        chain: the layers that the images go through.

    Raises:
        SpaceError: the labels are not those of an auto-encoder.

    Example:
        network = AutoencoderNetwork(architecture, image_channels=3, size=(64, 64))
        restored = network(masked)
    """

    def __init__(
        self,
        architecture: Architecture | Mapping[str, object],
        image_channels: int,
        size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.architecture = as_labels(architecture)
        self.chain = traversed(decode_chain(architecture), *size)
        # Channels of the image and behind each layer; `zip` leaves out the last of them.
        widths = [image_channels, *(layer.channels for layer in self.chain)]
        self.encoder = nn.ModuleList(
            he(nn.Conv2d(width, layer.channels, **_shape(layer)))
            for width, layer in zip(widths, self.chain, strict=False)
        )
        self.decoder = nn.ModuleList(
            he(nn.ConvTranspose2d(width, layer.channels, **_shape(layer)))
            for width, layer in zip(widths[-1:] + widths[:1:-1], reversed(self.chain), strict=False)
        )
        last = widths[1] if self.chain else image_channels
        output = nn.ConvTranspose2d(
            last, image_channels, OUTPUT_KERNEL, padding=OUTPUT_KERNEL // 2, bias=False
        )
        self.output = he(output, relu=False)
        self.use_format()

    def forward(self, x: Tensor) -> Tensor:
        """The restored images.

        Args:
            x: `(N, image_channels, H, W)`.

        Returns:
            The shape of `x`; not clipped.
        """
        x = self.formatted(x)
        maps = []
        sizes = []
        for convolution in self.encoder:
            sizes.append(list(x.shape[-2:]))
            x = F.relu(convolution(x))
            maps.append(x)
        # Layer by layer back, each to the size of the map that its mirror read.
        for j, deconvolution in enumerate(self.decoder):
            i = len(maps) - 1 - j
            x = deconvolution(x, output_size=sizes[i])
            if self.chain[i].type.skip:
                x = x + maps[i]
            x = F.relu(x)
        out: Tensor = self.output(x)
        return out

    def __str__(self) -> str:
        return chain_text(self.chain)


def _shape(layer: Layer) -> dict[str, Any]:
    """The arguments that a convolution and its mirror share."""
    return {
        "kernel_size": layer.type.kernel,
        "stride": layer.type.stride,
        "padding": layer.type.padding,
        "bias": False,
    }
