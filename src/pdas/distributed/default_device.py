"""Work that belongs on the CPU, in a program that has set another default device of torch.

After `torch.set_default_device("cuda")` whatever is made without a device is on the GPU: also an
order of batches, for which the generator is on the CPU, and the weights of a controller.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from inspect import isfunction
from typing import Any, TypeVar

import torch

C = TypeVar("C", bound=type)
CALLED = ("__init__", "__call__")


def made_on(device: torch.device) -> AbstractContextManager[Any]:
    """Within it, what is made without a device is on this one.

    Args:
        device: any.

    Example:
        with made_on(torch.device("cpu")):
            order = torch.randperm(10, generator=torch.Generator())
    """
    # A device as a context looks at every call of torch, so it is entered only where it is needed.
    return nullcontext() if torch.get_default_device() == device else device


def computes_on_cpu(cls: C) -> C:
    """A class whose methods make what they make on the CPU.

    Args:
        cls: its public methods, also inherited ones, are replaced.
    """
    for name in dir(cls):
        method = getattr(cls, name)
        is_own = (getattr(method, "__module__", None) or "").startswith("pdas.")
        if is_own and isfunction(method) and (name in CALLED or not name.startswith("_")):
            setattr(cls, name, _on_cpu(method))
    return cls


def _on_cpu(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def on_cpu(*args: Any, **named: Any) -> Any:
        with made_on(torch.device("cpu")):
            return method(*args, **named)

    return on_cpu
