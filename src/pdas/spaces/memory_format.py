"""The order of pixels and channels in the memory of a network, which its device decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import Self


class Formatted(nn.Module):
    """A network whose weights and maps have the memory format that is fast on its device.

    The weights get the format whenever the network is moved. The input gets it by `formatted`, and
    the maps follow. The constructor ends with `use_format()`.

    Attributes:
        memory_format: `torch.contiguous_format` (channels first) or `torch.channels_last`.

    Example:
        class Network(Formatted):
            formats = {"cpu": torch.channels_last}

            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 3)
                self.use_format()

            def forward(self, x):
                return self.conv(self.formatted(x))
    """

    formats: ClassVar[Mapping[str, torch.memory_format]] = {}
    """Those of devices, by their type; `torch.contiguous_format` on all others."""

    memory_format: torch.memory_format = torch.contiguous_format
    _chosen: torch.memory_format | None = None

    def use_format(self, chosen: torch.memory_format | None = None) -> None:
        """Give the weights a memory format.

        Args:
            chosen: on every device; None leaves it to the device.
        """
        self._chosen = chosen
        self._format_weights()

    def formatted(self, x: Tensor) -> Tensor:
        """An input in the memory format; the same tensor if it has that.

        Args:
            x: `(N, C, H, W)`.
        """
        return x.contiguous(memory_format=self.memory_format)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # The one that `to`, `cuda`, `double` and all their like call; torch has no type for it.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._format_weights()
        return self

    def _format_weights(self) -> None:
        of_device = self.formats.get(next(self.parameters()).device.type, torch.contiguous_format)
        self.memory_format = self._chosen or of_device
        super()._apply(self._in_format)  # type: ignore[no-untyped-call]

    def _in_format(self, weight: Tensor) -> Tensor:
        is_map = weight.dim() == 4
        return weight.contiguous(memory_format=self.memory_format) if is_map else weight
