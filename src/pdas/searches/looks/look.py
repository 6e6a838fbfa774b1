"""The last look at a search, after all else: measurements that cost little and spoil nothing.

It looks at a few batches of either half of the data, with the shared weights as they are. Nothing
is drawn after it, so a search that is resumed has the same.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from pdas.methods.base import SearchContext
from pdas.methods.constraints.penalty import Penalty
from pdas.methods.planning.plan import CHECK_BATCHES
from pdas.methods.proposals import network_of
from pdas.methods.sampled.constant_output import constant_losses
from pdas.nn.protocols import WeighedSupernet
from pdas.resume.batches import Loader, one_pass
from pdas.searches.looks.halves import compare_halves, features
from pdas.searches.result import SearchResult
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import FloatArray
from pdas.support.errors import SettingError, reason
from pdas.training.candidates import bind

_log = logging.getLogger(__name__)

BATCHES = 16  # of either half; with ten networks they cost 53 training passes
TOP = 10  # networks that are compared


def last_look(
    result: SearchResult,
    context: SearchContext,
    loaders: tuple[Loader, Loader],
    penalty: Penalty | None,
) -> dict[str, Any]:
    """Measure what tells whether a finished search can be trusted.

    Args:
        result: of the search, with its architecture.
        context: of the search.
        loaders: of D_W and of D_theta.
        penalty: of the cost of an architecture, which is added to its loss.

    Returns:
        Plain data, of which each part may be missing: "ties", see `SearchMethod.ties`;
        "without_weights", by variable the "labels" that bring no weights, where others do, and "of"
        how many they are; "halves", see `compare_halves`; "top", the most probable networks and the
        one that was found; and "chance", by how much the latter is better than the best constant
        output.
    """
    found: dict[str, Any] = {}
    seen: _Seen | None = None
    # Whatever fails here, the search is done and its result is kept. What one rank does by itself
    # may fail on it alone, so all agree before they measure together.
    with _ends_early():
        if (ties := result.method.ties) is not None:
            found["ties"] = ties
        if isinstance(context.supernet, WeighedSupernet):
            found["without_weights"] = _without_weights(context.space, context.supernet)
        if result.method.trains_weights:
            seen = _seen(result, context, loaders)
    with _ends_early():
        (is_missing,) = context.ranks.any(seen is None)
        if seen is not None and not is_missing:
            for name, value in _of_batches(seen, result, context, penalty):
                found[name] = value
    return found


@contextmanager
def _ends_early() -> Iterator[None]:
    """Within it, an error is a line for whoever looks for one."""
    try:
        yield
    except Exception as error:
        _log.info("search: the last look ended early (%s)", reason(error))
        _log.debug("search: the last look failed", exc_info=error)


def _without_weights(space: SearchSpace, net: WeighedSupernet) -> dict[str, dict[str, Any]]:
    masks = dict(zip(space, net.with_weights(), strict=True))
    return {
        name: {
            "labels": [label for label, has in zip(space[name], mask, strict=True) if not has],
            "of": len(mask),
        }
        for name, mask in masks.items()
        if mask.any() and not mask.all()
    }


@dataclass(frozen=True)
class _Seen:
    """What is looked at: networks with their probabilities, and batches of both halves."""

    networks: Mapping[Architecture, float | None]
    theta_batches: Sequence[Any]
    theta_features: Sequence[dict[str, float]]
    weight_features: Sequence[dict[str, float]]


def _seen(result: SearchResult, context: SearchContext, loaders: tuple[Loader, Loader]) -> _Seen:
    networks = _top(result, context)
    theta_batches = list(islice(one_pass(loaders[1]), BATCHES))
    theta_features = [features(batch) for batch in theta_batches]
    weight_features = [features(batch) for batch in islice(one_pass(loaders[0]), BATCHES)]
    return _Seen(networks, theta_batches, theta_features, weight_features)


def _of_batches(
    seen: _Seen, result: SearchResult, context: SearchContext, penalty: Penalty | None
) -> Iterator[tuple[str, Any]]:
    """What is measured on batches, by name."""
    architectures, to_device = list(seen.networks), context.fabric.to_device
    losses = [
        result.method.losses(architectures, map(to_device, [batch])) for batch in seen.theta_batches
    ]
    yield "halves", compare_halves(seen.weight_features, seen.theta_features)
    measured = np.array(losses, dtype=float)  # NaN for a method that measures no single network
    if not np.isfinite(measured).all():
        return
    at = architectures.index(result.architecture)
    yield "top", _compared(seen.networks, at, measured, penalty)
    (model,) = bind(context.network, [result.architecture])
    kept = [to_device(batch) for batch in seen.theta_batches[:CHECK_BATCHES]]
    if (chance := constant_losses(context.loss, kept, model)) is not None:
        yield "chance", _gain(np.array(chance) - measured[: len(kept), at])


def _top(result: SearchResult, context: SearchContext) -> dict[Architecture, float | None]:
    """Different networks with their probabilities: that which was found, and the most probable."""
    try:
        top = result.top(TOP)
    except SettingError:  # no theta, or too few within the limit
        top = []
    chosen = network_of(result.architecture, context.active)
    networks = {chosen: result.architecture}
    probabilities: dict[Any, float] = {}  # of the most probable architecture of a network
    for architecture, probability in top:
        network = network_of(architecture, context.active)
        networks.setdefault(network, architecture)
        probabilities.setdefault(network, probability)
    return {networks[network]: probabilities.get(network) for network in networks}


def _compared(
    networks: Mapping[Architecture, float | None],
    found: int,
    losses: FloatArray,
    penalty: Penalty | None,
) -> list[dict[str, Any]]:
    """A row for each network: its loss, and by how much it is better than that which was found."""
    added = np.array([0.0 if penalty is None else penalty(each) for each in networks])
    values = losses + added
    return [
        {
            "architecture": architecture.to_dict(),
            "found": i == found,
            "probability": probability,
            "loss": float(values[:, i].mean()),
            **_gain(values[:, found] - values[:, i]),
        }
        for i, (architecture, probability) in enumerate(networks.items())
    ]


def _gain(differences: FloatArray) -> dict[str, float]:
    """A mean with its standard error and the number of batches that it is of."""
    count = len(differences)
    error = differences.std(ddof=1) / math.sqrt(count) if count > 1 else 0.0
    return {"gain": float(differences.mean()), "error": float(error), "batches": count}
