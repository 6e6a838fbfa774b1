"""The plain network of one architecture: a copy in which each choice is what was chosen."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from pdas.errors import NetworkError
from pdas.nn.choice.layers import SlicedLayer
from pdas.nn.choice.places import holds
from pdas.nn.choice.point import Point
from pdas.nn.choice.run import first_line
from pdas.nn.choice.tree import ChoiceTree
from pdas.nn.choice.value import Constant, Multiple
from pdas.space import Architecture

_RESETS = ("reset_parameters", "_reset_parameters")  # the latter in some modules of PyTorch


def derive(tree: ChoiceTree, architecture: Architecture, *, keep_weights: bool) -> nn.Module:
    """The plain network of the architecture; see `Supernet.derive`."""
    with tree.selected(architecture):
        network = _replaced(tree, architecture, keep_weights)
    if not keep_weights:
        _draw_weights(network)
    return network


def _replaced(tree: ChoiceTree, architecture: Architecture, keep_weights: bool) -> nn.Module:
    # `deepcopy` takes a module that is in `memo` for copied: so choices are replaced wherever the
    # user's modules refer to them.
    memo: dict[int, object] = {}

    def copied(part: nn.Module) -> nn.Module:
        try:
            return copy.deepcopy(part, memo)
        except Exception as error:
            raise NetworkError(
                f"derive: {type(part).__name__} cannot be copied ({first_line(error)}); keep no "
                "outputs of a call in attributes"
            ) from error

    for place in reversed(tree.places):  # what is inside comes before what is around it
        part = place.module
        if id(part) in memo or not holds(place.conditions, architecture):
            continue
        if isinstance(part, Point):
            memo[id(part)] = part.derived(copied)
        elif isinstance(part, SlicedLayer):
            memo[id(part)] = part.derived(keep_weights)
        elif isinstance(part, Multiple):
            memo[id(part)] = Constant(part.value).train(part.training)
    return copied(tree.module)


@torch.no_grad()
def _draw_weights(network: nn.Module) -> None:
    """Draw all weights afresh but frozen ones, and start running statistics anew."""
    weights = {name: w for name, w in network.named_parameters() if w.requires_grad}
    for weight in weights.values():
        weight.fill_(math.nan)  # which tells afterwards whether it has been drawn
    _reset(network)
    for name, weight in weights.items():
        if weight.isnan().any():
            raise NetworkError(
                f"derive: found no reset_parameters() that draws the weight {name!r} afresh, "
                "expected one in its module or in one around it; add it, or set keep_weights=True"
            )


def _reset(module: nn.Module) -> None:
    for child in module.children():
        _reset(child)
    own = list(module.parameters(recurse=False))
    frozen = bool(own) and not any(weight.requires_grad for weight in own)
    resets = [getattr(module, name) for name in _RESETS if hasattr(module, name)]
    if resets and not frozen:
        resets[0]()
