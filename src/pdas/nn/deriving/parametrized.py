"""Fresh weights of layers under `weight_norm`, `spectral_norm` and other parametrizations.

Their weight is computed of others, which `reset_parameters()` does not know. There are two kinds:
those of `torch.nn.utils.parametrizations`, and the older ones of `torch.nn.utils`, which are hooks.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

POWER_ITERATIONS = 15  # as where PyTorch adds a spectral norm


def draw_parametrized(module: nn.Module, reset: str) -> None:
    """Draw what the weights of a layer are computed of, so that they are as without it.

    Args:
        module: after its own reset, which has drawn its other weights.
        reset: the name of that method.
    """
    if is_parametrized(module):
        _draw_new(module, reset)
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm | SpectralNorm):
            # The reset has drawn the attribute that is computed before each call.
            _draw_old(module, hook, getattr(module, hook.name).detach())


def detach_computed(module: nn.Module) -> None:
    """Cut what old parametrizations have computed from its graph, or it could not be copied.

    Args:
        module: whose weights will be computed anew at its next call.
    """
    for part in module.modules():
        for hook in part._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm | SpectralNorm):
                setattr(part, hook.name, getattr(part, hook.name).detach())


def _draw_new(module: Any, reset: str) -> None:
    """Those of `torch.nn.utils.parametrizations`: a plain layer draws, and its weight is set."""
    plain = _plain(module)
    getattr(plain, reset)()
    for name in module.parametrizations:
        weight = getattr(plain, name).detach()
        try:
            setattr(module, name, weight)
        except (NotImplementedError, RuntimeError):  # it cannot be inverted
            # PyTorch then starts with the plain weight itself, too.
            original = getattr(module.parametrizations[name], "original", None)
            if original is not None and original.shape == weight.shape:
                original.copy_(weight)
        for parametrization in module.parametrizations[name]:
            if hasattr(parametrization, "_power_method"):
                _start_power_method(parametrization, getattr(plain, name))


def _plain(module: Any) -> nn.Module:
    """A layer of the class before parametrizations, with weights of the same shapes."""
    kind: Any = type_before_parametrizations(module)
    plain: nn.Module = kind.__new__(kind)
    nn.Module.__init__(plain)
    own = {name: value for name, value in vars(module).items() if name not in vars(plain)}
    plain.__dict__.update(own)
    for name, weight in module._parameters.items():
        plain.register_parameter(name, None if weight is None else nn.Parameter(weight.clone()))
    for name in module.parametrizations:
        plain.register_parameter(name, nn.Parameter(getattr(module, name).detach().clone()))
    return plain


def _start_power_method(parametrization: Any, weight: Tensor) -> None:
    """The vectors of a spectral norm start at random, and meet the weight."""
    if not hasattr(parametrization, "_u"):
        return  # of a vector, which has none
    for vector in (parametrization._u, parametrization._v):
        vector.copy_(nn.functional.normalize(torch.randn_like(vector), dim=0))
    matrix = parametrization._reshape_weight_to_matrix(weight)
    parametrization._power_method(matrix, POWER_ITERATIONS)


def _draw_old(module: Any, hook: Any, weight: Tensor) -> None:
    """Those of `torch.nn.utils`, of which the weights are parameters beside it."""
    if isinstance(hook, WeightNorm):
        getattr(module, f"{hook.name}_g").copy_(torch.norm_except_dim(weight, 2, hook.dim))
        getattr(module, f"{hook.name}_v").copy_(weight)
        return
    getattr(module, f"{hook.name}_orig").copy_(weight)
    for vector in (getattr(module, f"{hook.name}_u"), getattr(module, f"{hook.name}_v")):
        vector.copy_(nn.functional.normalize(torch.randn_like(vector), dim=0))
    for _ in range(POWER_ITERATIONS):
        computed = hook.compute_weight(module, do_power_iteration=True)
    setattr(module, hook.name, computed.detach())
