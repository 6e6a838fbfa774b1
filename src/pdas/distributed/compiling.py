"""A module in training, compiled by torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from pdas.distributed.settings import DeviceSettings
from pdas.support.errors import PdasWarning, reason


@contextmanager
def compiled(settings: DeviceSettings, module: nn.Module) -> Iterator[None]:
    """Within it, the forward pass of a module is compiled, if the settings say so.

    See `torch.compile`. What cannot be compiled on this machine runs as it is, and a line says so.

    Args:
        settings: with `compile`.
        module: that is trained. Its weights and their names stay as they are.

    Example:
        with compiled(DeviceSettings(compile=True), module):
            module(batch)
    """
    if not settings.compile:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException  # takes half a second

    plain = module.forward

    def uncompiled(error: Exception) -> None:
        warnings.warn(
            f"device.compile: torch cannot compile {type(module).__name__} here "
            f"({reason(error)}); it runs uncompiled",
            PdasWarning,
            stacklevel=3,
        )
        module.forward = plain

    def forward(*inputs: Any) -> Any:
        try:
            return by_torch(*inputs)
        except TorchDynamoException as error:
            uncompiled(error)
            return plain(*inputs)

    try:
        by_torch = torch.compile(plain)
        module.forward = forward
    except RuntimeError as error:  # a Python that torch does not compile
        uncompiled(error)
    try:
        yield
    finally:
        del module.forward  # that of the instance, under which is that of the class
