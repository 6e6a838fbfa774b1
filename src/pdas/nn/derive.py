"""The plain network of one architecture: a copy in which each choice is what was chosen."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from pdas.nn.choice_point import Point
from pdas.nn.elastic import SlicedLayer
from pdas.nn.module_tree import FoundChoices
from pdas.nn.value import Constant, Multiple
from pdas.space import Architecture
from pdas.support.errors import NetworkError, reason

_RESETS = ("reset_parameters", "_reset_parameters")  # the latter in some modules of PyTorch


def derive(choices: FoundChoices, architecture: Architecture, *, keep_weights: bool) -> nn.Module:
    """The plain network of the architecture; see `Supernet.derive`."""
    _refuse_what_would_be_lost(choices)
    with choices.selected(architecture):
        network = _replaced(choices, architecture)
    if not keep_weights:
        _draw_weights(network)
    return network


def _refuse_what_would_be_lost(choices: FoundChoices) -> None:
    """Raise `NetworkError` for hooks on choices, and for classes made of them."""
    for place in choices.places:
        part = place.module
        if not isinstance(part, Point | SlicedLayer):
            continue
        if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks:
            found = "hooks"
        elif type(part).__module__.startswith(__package__):
            continue
        else:
            found = "a class of its own"
        raise NetworkError(
            f"derive: {type(part).__name__} at {place.where} has {found}, expected "
            "one of pdas.nn as it is, since a plain module takes its place; put that into a module "
            "around it"
        )


def _replaced(choices: FoundChoices, architecture: Architecture) -> nn.Module:
    # `deepcopy` takes a module that is in `memo` for copied: so choices are replaced wherever the
    # user's modules refer to them.
    memo: dict[int, object] = {}

    def copied(part: nn.Module) -> nn.Module:
        try:
            return copy.deepcopy(part, memo)
        except Exception as error:
            raise NetworkError(
                f"derive: {type(part).__name__} cannot be copied ({reason(error)}); keep no "
                "outputs of a call in attributes"
            ) from error

    for place in reversed(choices.places):  # what is inside comes before what is around it
        part = place.module
        if id(part) in memo or not place.conditions.hold(architecture):
            continue
        if isinstance(part, Point):
            memo[id(part)] = part.derived(copied)
        elif isinstance(part, SlicedLayer):
            memo[id(part)] = part.derived()
        elif isinstance(part, Multiple):
            memo[id(part)] = Constant(part.value).train(part.training)
    return copied(choices.module)


@torch.no_grad()
def _draw_weights(network: nn.Module) -> None:
    """Draw all weights afresh but frozen ones, and start running statistics anew."""
    weights = {name: w for name, w in network.named_parameters() if w.requires_grad}
    frozen = {w: w.clone() for w in network.parameters() if not w.requires_grad}
    for weight in weights.values():
        weight.fill_(math.nan)  # which tells afterwards whether it has been drawn
    _reset(network)
    for weight, value in frozen.items():
        weight.copy_(value)  # which a module around it may have drawn
    for name, weight in weights.items():
        if weight.isnan().any():
            raise NetworkError(
                f"derive: found no reset_parameters() that draws the weight {name!r} afresh, "
                "expected one in its module or in one around it; add it, or set keep_weights=True"
            )


def _reset(module: nn.Module) -> None:
    weights = list(module.parameters())
    if weights and not any(weight.requires_grad for weight in weights):
        return  # all inside is frozen, so running statistics stay too
    for child in module.children():
        _reset(child)
    resets = [getattr(module, name) for name in _RESETS if hasattr(module, name)]
    if resets:
        resets[0]()
