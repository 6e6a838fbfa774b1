"""Clipping of the gradient, with an error that a user can act on."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from torch import nn

from pdas.errors import NonFiniteLossError


def clip_gradients(
    fabric: Fabric, net: nn.Module, optimizer: torch.optim.Optimizer, max_norm: float
) -> None:
    """Scale the gradient to a norm of at most `max_norm`.

    Raises `NonFiniteLossError` if the norm is not finite; the weights are as they were. In 16-bit
    precision a gradient that overflows is expected: the scaler passes the step over.
    """
    norm = fabric.clip_gradients(net, optimizer, max_norm=max_norm, error_if_nonfinite=False)
    scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
    if norm is not None and not scaled and not torch.isfinite(norm):
        raise NonFiniteLossError(
            f"gradient: found a norm of {float(norm)} for finite losses, expected a finite one; "
            "lower the learning rate of the weights"
        )
