"""What the compiled operators can be applied to; everything else goes torch's own way."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.jit._trace import is_tracing
from torch.nn.modules import module as modules
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from pdas.kernels.library import library

_DTYPES = (torch.float32, torch.float64)
_TENSORS = (Tensor, nn.Parameter)


def serves(x: Tensor, *others: Tensor | None) -> bool:
    """Whether an operator may be applied to these tensors here and now.

    It may not where something looks at the single operations of torch or replaces them: a compiler,
    a trace, an export, `torch.func`, a count of operations, autocast.

    Args:
        x: maps `(N, C, H, W)`.
        others: weights and the like; None for what is not there.
    """
    return (
        nothing_looks()
        and type(x) in _TENSORS  # and no stand-in of torch.fx, which knows no sizes
        and not library().missing  # the network may be from a process that had it
        and x.dim() == 4
        and x.numel() > 0
        and _plain(x, x.dtype)
        and all(other is None or _plain(other, x.dtype) for other in others)
    )


def nothing_looks() -> bool:
    """Whether operations run as they are called, on plain tensors."""
    return not (
        torch.compiler.is_compiling()
        or is_tracing()  # type: ignore[no-untyped-call]
        or torch.is_autocast_enabled("cpu")
        or is_in_torch_dispatch_mode()
        or is_transformed()
        or forward_ad._current_level >= 0
    )


def is_transformed() -> bool:
    """Whether a function runs by `torch.func`, as in `vmap`, whose tensors stand for several."""
    return torch._C._are_functorch_transforms_active()


def _plain(x: Tensor, dtype: torch.dtype) -> bool:
    return (
        type(x) in _TENSORS
        and x.dtype == dtype
        and dtype in _DTYPES
        and x.device.type == "cpu"
        and x.layout == torch.strided
    )


def unchanged(*expected: tuple[nn.Module, type[nn.Module]]) -> bool:
    """Whether modules are of just these classes and do just what these do, without hooks.

    An operator computes what several modules do without calling them.

    Args:
        expected: each module with its class.
    """
    if torch.compiler.is_compiling() or _hooks_on_all():
        return False
    return all(
        type(module) is kind
        and "forward" not in vars(module)  # what somebody put in the place of that of its class
        and not module._forward_hooks
        and not module._forward_pre_hooks
        and not module._backward_hooks
        and not module._backward_pre_hooks
        for module, kind in expected
    )


def _hooks_on_all() -> bool:
    return bool(
        modules._global_forward_hooks
        or modules._global_forward_pre_hooks
        or modules._global_backward_hooks
        or modules._global_backward_pre_hooks
    )
