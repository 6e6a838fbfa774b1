"""Multiply-adds counted by the shapes of what PyTorch calls, apart from its own counter."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from pdas.nn.modes import without_fast_path
from tests.strangers.networks.row import Inputs

aten = torch.ops.aten


def _product(*factors: Any) -> int:
    return math.prod(factors)


def _convolution(out: Any, x: Any, weight: Any, *others: Any) -> int:
    transposed = others[4]
    return _product(*(x if transposed else out).shape) * _product(*weight.shape[1:])


COUNTS: dict[Any, Callable[..., int]] = {
    aten.mm.default: lambda out, a, b: _product(*a.shape, b.shape[1]),
    aten.addmm.default: lambda out, c, a, b: _product(*a.shape, b.shape[1]),
    aten.bmm.default: lambda out, a, b: _product(*a.shape, b.shape[2]),
    aten.baddbmm.default: lambda out, c, a, b: _product(*a.shape, b.shape[2]),
    aten.mv.default: lambda out, a, b: _product(*a.shape),
    aten.dot.default: lambda out, a, b: _product(*a.shape),
    aten.vdot.default: lambda out, a, b: _product(*a.shape),
    aten.convolution.default: _convolution,
}


class _Counter(TorchDispatchMode):
    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in COUNTS:
            self.total += COUNTS[func](out, *args)
        return out


@contextmanager
def _counted_operations() -> Iterator[None]:
    """Attention and recurrent layers run by the operations that are counted here."""
    with without_fast_path(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of settings for other devices
        with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
            yield


@torch.no_grad()
def multiply_adds(network: nn.Module, inputs: Inputs) -> int:
    """Those of one call."""
    with _counted_operations(), _Counter() as counter:
        inputs(network)
    return counter.total
