"""The plain network of one architecture: a copy in which each choice is what was chosen."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.value import Constant
from pdas.nn.deriving.ties import Ties
from pdas.nn.elastic.base import Elastic
from pdas.nn.module_tree import ModuleTree
from pdas.nn.widths import WidthSum
from pdas.space import Architecture
from pdas.support.errors import NetworkError, reason
from pdas.support.refusals import refuse

_RESETS = ("reset_parameters", "_reset_parameters")  # the latter in some modules of PyTorch


def derive(tree: ModuleTree, architecture: Architecture, *, keep_weights: bool) -> nn.Module:
    """The plain network of an architecture; see `Supernet.derive`.

    Args:
        tree: the module with its choice points.
        architecture: of its space.
        keep_weights: copy the weights instead of drawing fresh ones.

    Raises:
        SpaceError: the architecture is of another space.
        NetworkError: a module cannot be copied, or nothing draws its weights afresh.
    """
    _refuse_what_would_be_lost(tree)
    with tree.selected(architecture):
        network = _replaced(tree, architecture)
    if not keep_weights:
        _draw_weights(network)
    return network


def _refuse_what_would_be_lost(tree: ModuleTree) -> None:
    """Raise `NetworkError` for hooks on choices, and for classes made of them."""
    for occurrence in tree.occurrences:
        part = occurrence.module
        if not isinstance(part, ChoicePoint | Elastic):
            continue
        if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks:
            found = "hooks"
        elif _has_a_plain_form(part):
            continue
        else:
            found = "a class of its own"
        raise NetworkError(
            f"derive: {type(part).__name__} at {occurrence.where} has {found}, expected one of "
            "pdas.nn as it is, since a plain module replaces it; put that into a module around it"
        )


def _has_a_plain_form(part: nn.Module) -> bool:
    """Whether a choice is one of this package, or a layer says itself what replaces it."""
    kind = type(part)
    if kind.__module__.startswith("pdas.nn."):
        return True
    return isinstance(part, Elastic) and not {"plain", "kind"}.isdisjoint(vars(kind))


def _replaced(tree: ModuleTree, architecture: Architecture) -> nn.Module:
    """A copy of the module in which each choice point and elastic layer is a plain module."""
    # `deepcopy` takes a module that is in `memo` for copied: so choices are replaced wherever the
    # user's modules refer to them.
    memo: dict[int, object] = {}
    ties = Ties(memo)

    def copied(part: nn.Module) -> nn.Module:
        try:
            return copy.deepcopy(part, memo)
        except Exception as error:
            raise NetworkError(
                f"derive: {type(part).__name__} cannot be copied ({reason(error)}); keep no "
                "outputs of a call in attributes"
            ) from error

    for occurrence in reversed(tree.occurrences):  # what is inside comes before what is around it
        part = occurrence.module
        if id(part) in memo or not occurrence.conditions.hold(architecture):
            continue
        if isinstance(part, ChoicePoint):
            memo[id(part)] = part.derived(copied)
        elif isinstance(part, Elastic):
            memo[id(part)] = part.derived(ties)
        elif isinstance(part, WidthSum):
            memo[id(part)] = Constant(part.value).train(part.training)
    return copied(tree.module)


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
            refuse(
                NetworkError,
                "derive",
                found=f"no reset_parameters() that draws the weight {name!r} afresh",
                expected="one in its module or in one around it",
                remedy="add it, or set keep_weights=True",
            )


def _reset(module: nn.Module) -> None:
    """Call `reset_parameters()` of all modules, the innermost first."""
    weights = list(module.parameters())
    if weights and not any(weight.requires_grad for weight in weights):
        return  # all inside is frozen, so running statistics stay too
    for child in module.children():
        _reset(child)
    resets = [getattr(module, name) for name in _RESETS if hasattr(module, name)]
    if resets:
        resets[0]()
