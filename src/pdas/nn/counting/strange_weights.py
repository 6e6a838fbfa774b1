"""Weights with which a network may take another time than with any others."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import is_lazy


def has_strange(network: nn.Module) -> bool:
    """Whether weights are not finite, or so small that a CPU takes many times as long with them.

    Args:
        network: of any kind.
    """
    return not all(bool(_is_usual(weight).all()) for weight in _numbers(network))


@torch.no_grad()
def replace_strange(network: nn.Module) -> None:
    """Make such weights 0.

    Args:
        network: is changed in place.
    """
    for weight in _numbers(network):
        weight.masked_fill_(~_is_usual(weight), 0.0)


def _numbers(network: nn.Module) -> list[nn.Parameter]:
    weights = network.parameters()
    return [weight for weight in weights if weight.is_floating_point() and not is_lazy(weight)]


def _is_usual(weight: torch.Tensor) -> torch.Tensor:
    size = weight.detach().abs()
    return (size == 0) | (size.isfinite() & (size >= torch.finfo(weight.dtype).tiny))
