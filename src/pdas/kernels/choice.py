"""Whether the blocks of a network use the compiled operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

Setting = Literal["auto", "library"]


class WithKernels:
    """A block that can use the compiled operators; beside `nn.Module` as a base.

    Attributes:
        use_kernels: whether it does, where they serve; a block is made without.

    Example:
        class Pool(nn.AvgPool2d, WithKernels): ...
    """

    use_kernels: bool = False


@dataclass(frozen=True)
class Kernels:
    """What a network was set to.

    Attributes:
        compiled: whether the compiled operators are in use.
        why: where they are from and their instruction set; or why they are not in use.

    Example:
        print(choose_kernels(network, "auto", torch.device("cpu")))
    """

    compiled: bool
    why: str

    def __str__(self) -> str:
        """One line for people and for the record of a run."""
        return f"{'compiled' if self.compiled else 'library'} ({self.why})"


def choose_kernels(
    network: nn.Module, setting: Setting, device: torch.device, obstacle: str = ""
) -> Kernels | None:
    """Set all blocks of a network to the compiled operators or to torch's own.

    Args:
        network: any; blocks that know both are looked for in it.
        setting: "auto" for the compiled ones where they can be had, which may compile them now;
            "library" for torch's own.
        device: that the network will run on.
        obstacle: what else keeps the compiled ones out, such as a precision.

    Returns:
        What is in use; None if the network has no such blocks.

    Example:
        choose_kernels(CellSupernet(), "auto", torch.device("cpu"))
    """
    blocks = [module for module in network.modules() if isinstance(module, WithKernels)]
    if not blocks:
        return None
    kernels = _available(setting, device, obstacle)
    for block in blocks:
        block.use_kernels = kernels.compiled
    return kernels


def _available(setting: Setting, device: torch.device, obstacle: str) -> Kernels:
    if setting == "library":
        return Kernels(False, "as set")
    if device.type != "cpu":
        return Kernels(False, f"the device is {device.type}")
    if obstacle:
        return Kernels(False, obstacle)
    from pdas.kernels.library import library  # may compile

    found = library()
    if found.missing:
        return Kernels(False, found.missing)
    return Kernels(True, f"{found.instructions}, {found.origin}")
