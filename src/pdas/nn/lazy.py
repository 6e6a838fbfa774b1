"""Lazy modules, whose weights have no shapes before their first call."""

from __future__ import annotations

from torch import nn
from torch.nn.parameter import is_lazy

from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


def first_lazy(module: nn.Module) -> str | None:
    """A module some of whose weights or statistics are still to be made, for a message.

    Args:
        module: in which it is.
    """
    for name, part in module.named_modules():
        tensors = [*part.parameters(recurse=False), *part.buffers(recurse=False)]
        if any(is_lazy(tensor) for tensor in tensors):
            return f"{type(part).__name__} at {name or '(the whole)'}"
    return None


def refuse_lazy(module: nn.Module, setting: str) -> None:
    """Refuse a module with weights that are still to be made.

    Args:
        module: any.
        setting: what needs them, for a message.

    Raises:
        NetworkError: there are such.
    """
    found = first_lazy(module)
    if found is not None:
        refuse(
            NetworkError,
            setting,
            found=f"{found}, whose weights are not made yet",
            expected="a network that has run once",
            remedy="call the supernet on a batch first, net(x, net.largest), or net.check(x)",
        )
