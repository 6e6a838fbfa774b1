"""A plain auto-encoder supernet that pads channels, the baseline of the sliced one.

It evaluates one architecture at a time the way the space is usually written down: one 256-channel
weight for each (layer, type), every feature map padded with zeros to 256 channels, all 256 channels
computed, and those beyond the layer's own set to zero. Nothing is added to make it slow: every
operation is PyTorch's own.

It is written from the definition of the space and shares no code with `pdas.nn`. `to_padded` alone
knows how the supernet names its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TYPES = tuple(f"{k}x{k}_{use}" for use in ("skip", "down") for k in (1, 3, 5))


class PaddedAutoencoder(nn.Module):
    """Nc layers of `channels` channels and six types, each with a whole weight."""

    def __init__(self, layers: int = 20, channels: int = 256, image_channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.ModuleList()
        for _ in range(layers):
            layer = nn.Module()
            layer.encoder = nn.ParameterDict({t: _weight(channels, channels, t) for t in TYPES})
            layer.decoder = nn.ParameterDict({t: _weight(channels, channels, t) for t in TYPES})
            self.layers.append(layer)
        self.output = _weight(channels, image_channels, "3x3")

    def forward(self, x: Tensor, architecture: Mapping[str, Any]) -> Tensor:
        """The restored images, of the shape of `x`."""
        active = []
        i = architecture["output/from"]
        while i > 0:
            active.insert(0, i)
            i = architecture[f"layer{i}/from"] if i > 1 else 0
        x = F.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))
        way = []
        for i in active:
            name = architecture[f"layer{i}/type"]
            kernel, down = int(name[0]), name.endswith("down")
            if down and x.shape[2:] == (1, 1):
                continue
            size = x.shape[2:]
            mask = torch.arange(self.channels) < architecture[f"layer{i}/channels"]
            mask = mask.view(1, -1, 1, 1).to(x)
            weight = self.layers[i - 1].encoder[name]
            x = F.relu(F.conv2d(x, weight, None, 1 + down, kernel // 2)) * mask
            way.append((i, name, kernel, down, size, mask, x))
        for i, name, kernel, down, size, mask, h in reversed(way):
            weight = self.layers[i - 1].decoder[name]
            odd = [1 - size[0] % 2, 1 - size[1] % 2] if down else 0
            x = F.conv_transpose2d(x, weight, None, 1 + down, kernel // 2, odd)
            x = F.relu(x if down else x + h) * mask
        return F.conv_transpose2d(x, self.output, padding=1)


def _weight(first: int, second: int, kind: str) -> nn.Parameter:
    kernel = int(kind[0])
    return nn.Parameter(nn.Conv2d(second, first, kernel, bias=False).weight.detach())


def to_padded(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights, or gradients, of an `AutoencoderSupernet` under the names that they have here."""
    blocks: dict[str, dict[int, dict[int, Tensor]]] = {}
    for name, value in named.items():
        weight, _, place = name.partition(".from")
        row, column = map(int, place.split("_"))
        blocks.setdefault(weight, {}).setdefault(row, {})[column] = value
    return {
        weight: torch.cat(
            [torch.cat([row[c] for c in sorted(row)], 1) for _, row in sorted(rows.items())], 0
        )
        for weight, rows in blocks.items()
    }


def load_from(padded: PaddedAutoencoder, supernet: nn.Module) -> None:
    """Copy the supernet's weights into a padded one of the same settings."""
    padded.load_state_dict(to_padded(dict(supernet.named_parameters())))
