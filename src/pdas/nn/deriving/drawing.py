"""Fresh weights of a derived network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrize import is_parametrized

from pdas.nn.deriving.parametrized import draw_parametrized
from pdas.nn.modes import in_evaluation_mode
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

_RESETS = ("reset_parameters", "_reset_parameters")  # the latter in some modules of PyTorch

# What a weight is filled with, to see afterwards whether it has been drawn. It is finite, since
# parametrizations compute with it, exact in every precision, and no law draws it.
_UNDRAWN = 12288.0

Init = Callable[[nn.Module], object]
Like = Callable[[], nn.Module]


@torch.no_grad()
def draw_weights(
    network: nn.Module, init: Init | None = None, like: Like | None = None
) -> list[str]:
    """Draw all weights afresh but frozen ones, and start running statistics anew.

    Args:
        network: derived, to be changed in place.
        init: called with the network after its modules have drawn their weights.
        like: makes a plain model whose weights are taken in place of those.

    Returns:
        The names of weights that nothing has drawn.
    """
    weights = {name: w for name, w in network.named_parameters() if w.requires_grad}
    kept = [(tensor, tensor.clone()) for tensor in _frozen(network)]
    # In training mode the buffers of a spectral norm would learn from weights that are none yet.
    with in_evaluation_mode(network):
        for weight in weights.values():
            weight.fill_(_UNDRAWN)
        _reset(network)
        if like is not None:
            _take(network, like())
        if init is not None:
            init(network)
    for tensor, value in kept:
        tensor.copy_(value)  # which a module around it may have drawn
    return [name for name, weight in weights.items() if (weight == _UNDRAWN).any()]


def _frozen(network: nn.Module) -> Iterator[Tensor]:
    """Frozen weights, and the buffers of modules all of whose weights are frozen.

    A norm without weights is as frozen as the last module with weights before it.
    """
    frozen = False
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        yield from (weight for weight in own if not weight.requires_grad)
        if own:
            frozen = not any(weight.requires_grad for weight in own)
        if frozen and (own or isinstance(module, _NormBase)):
            yield from module.buffers(recurse=False)


def _reset(module: nn.Module) -> None:
    """Call `reset_parameters()` of all modules, the innermost first."""
    weights = list(module.parameters())
    if weights and not any(weight.requires_grad for weight in weights):
        return  # all inside is frozen, so running statistics stay too
    for name, child in module.named_children():
        if not (name == "parametrizations" and is_parametrized(module)):
            _reset(child)
    resets = [getattr(module, name) for name in _RESETS if hasattr(module, name)]
    if resets:
        resets[0]()
        draw_parametrized(module, resets[0].__name__)


def _take(network: nn.Module, plain: nn.Module) -> None:
    """Take the weights of a plain model by name; of a wider one the first rows and columns."""
    others = dict(plain.named_parameters(remove_duplicate=False))
    own = dict(network.named_parameters())
    if own and not own.keys() & others.keys():
        refuse(
            NetworkError,
            "derive: like",
            found=f"a {type(plain).__name__} with {next(iter(others), 'no weight')!r} first",
            expected=f"a model with weights of the same names, as {next(iter(own))!r}",
            remedy="make the model that the choices were put into",
        )
    for name, weight in own.items():
        other = others.get(name)
        if other is None or not weight.requires_grad or other.dim() != weight.dim():
            continue
        if all(size <= whole for size, whole in zip(weight.shape, other.shape, strict=True)):
            weight.copy_(other[tuple(map(slice, weight.shape))])
