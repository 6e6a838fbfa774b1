"""Tensors on their way to a device, for which the host need not wait."""

from __future__ import annotations

import torch
from torch import Tensor

PINNING = frozenset({"cuda"})  # types of devices that read memory of the host by themselves


def pins(device: torch.device | str) -> bool:
    """Whether what goes to a device should lie in pinned memory."""
    return torch.device(device).type in PINNING


def pinned(tensor: Tensor) -> Tensor:
    """A tensor in pinned memory; the same one where it cannot be, as on a GPU.

    Args:
        tensor: on any device.
    """
    is_plain = tensor.device.type == "cpu" and tensor.layout is torch.strided
    return tensor.pin_memory() if is_plain else tensor


def moved(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A tensor on a device; the same one if it is there.

    A copy from pageable memory waits until the device has done all that it was asked for before.
    From pinned memory the host does not wait.

    Args:
        tensor: on any device.
        device: where it goes.

    Example:
        moved(torch.randint(9, (64,)), "cuda")
    """
    if tensor.device.type == "cpu" and pins(device):
        return pinned(tensor).to(device, non_blocking=True)
    return tensor.to(device)
