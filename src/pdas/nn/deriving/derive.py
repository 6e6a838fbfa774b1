"""The plain network of one architecture: a copy in which each choice is what was chosen."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from pdas.nn.choices.choice import Choice
from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.choices.value import Constant
from pdas.nn.deriving.drawing import Init, Like, draw_weights
from pdas.nn.deriving.parametrized import detach_computed
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.ties import Ties
from pdas.nn.lazy import refuse_lazy
from pdas.nn.module_tree import ModuleTree
from pdas.nn.widths import WidthSum
from pdas.space import Architecture
from pdas.support.errors import NetworkError, PdasWarning, SettingError, reason
from pdas.support.refusals import refuse

_log = logging.getLogger(__name__)


def derive(
    tree: ModuleTree,
    architecture: Architecture,
    *,
    keep_weights: bool,
    init: Init | None = None,
    like: Like | None = None,
) -> nn.Module:
    """The plain network of an architecture; see `Supernet.derive`.

    Args:
        tree: the module with its choice points.
        architecture: of its space.
        keep_weights: copy the weights instead of drawing fresh ones.
        init, like: where fresh weights come from, beside `reset_parameters()`.

    Raises:
        SpaceError: the architecture is of another space.
        NetworkError: a module cannot be copied, or nothing draws its weights afresh.
        SettingError: weights are kept, and said to be drawn as well.
    """
    if keep_weights and (init or like):
        refuse(
            SettingError,
            "derive: keep_weights",
            found=f"True, and {'init' if init else 'like'}, which is for fresh weights",
            expected="one of them",
            remedy="leave one out, or call the function with the derived network",
        )
    network = replaced(tree, architecture)
    if keep_weights:
        _say_what_is_of_before(tree, architecture, network)
        return network
    undrawn = draw_weights(network, init, like)
    if undrawn:
        refuse(
            NetworkError,
            "derive",
            found=f"no reset_parameters() that draws the weight {undrawn[0]!r} afresh",
            expected="one in its module or in one around it",
            remedy="add it, or draw it by derive(..., init=function) or like=factory, or set "
            "keep_weights=True",
        )
    return network


def warn_of_undrawn(tree: ModuleTree, architecture: Architecture, *, keep_weights: bool) -> None:
    """Derive networks that have all candidates, and warn of weights that nothing draws afresh.

    Args:
        tree: the module with its choice points.
        architecture: of its space, that is derived first.
        keep_weights: whether the weights are kept, so that none is drawn.

    Raises:
        NetworkError: no network can be derived.
    """
    if keep_weights:
        replaced(tree, architecture)
        return
    networks = (replaced(tree, each) for each in _of_all_weights(tree, architecture))
    undrawn = next(filter(None, map(draw_weights, networks)), None)
    if undrawn:
        more = f" and {len(undrawn) - 1} more" if len(undrawn) > 1 else ""
        warnings.warn(
            f"check: nothing draws {undrawn[0]!r}{more} afresh, expected reset_parameters() in its "
            "module or in one around it; add it, or use derive(..., init=function), "
            "like=factory or keep_weights=True",
            PdasWarning,
            stacklevel=3,
        )


def _of_all_weights(tree: ModuleTree, architecture: Architecture) -> Iterator[Architecture]:
    """Architectures that together have every candidate with weights, as far as they are in use.

    The first one is that given, in which every choice has its first candidate.
    """
    yield architecture
    numbers = {
        position: len(points[0].variable.categories)
        for position, points in enumerate(tree.choice_points)
        if isinstance(points[0], Choice)
        and sum(any(True for _ in c.parameters()) for c in points[0].children()) > 1
    }
    for category in range(1, max(numbers.values(), default=1)):
        for position, number in numbers.items():
            architecture = architecture.replaced(position, category % number)
        yield architecture


def replaced(tree: ModuleTree, architecture: Architecture) -> nn.Module:
    """The plain network of an architecture, with the weights of the supernet.

    Args:
        tree: the module with its choice points.
        architecture: of its space.

    Raises:
        SpaceError: the architecture is of another space.
        NetworkError: a module cannot be copied.
    """
    _refuse_what_would_be_lost(tree)
    refuse_lazy(tree.module, "derive")
    detach_computed(tree.module)
    with tree.selected(architecture):
        return _replaced(tree, architecture)


def _say_what_is_of_before(
    tree: ModuleTree, architecture: Architecture, network: nn.Module
) -> None:
    """Log that running statistics are of other weights, unless it is the whole model."""
    norms = [m for m in network.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    fresh = any(norm.num_batches_tracked == 0 for norm in norms)
    if norms and (fresh or architecture != tree.largest()):
        _log.warning(
            "derive: the running statistics of %d norms are not of this network; before an "
            "evaluation call pdas.nn.recalibrate(network, batches)",
            len(norms),
        )


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
