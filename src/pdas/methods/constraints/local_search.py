"""Looking for a cheap architecture where a cost can only be evaluated."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pdas.cost import Cost
from pdas.space import Architecture

DRAWS = 1_000  # uniform ones


def cheapest_found(cost: Cost, first: Architecture, enough: float) -> tuple[Architecture, float]:
    """A cheap architecture and its cost; the first that costs at most `enough`, if one is found.

    Looks at `first`, at uniform draws, and then at all that differ in one variable from the
    cheapest found, until none of these is cheaper. The draws are the same every time.

    Args:
        cost: to be made small.
        first: where to look first.
        enough: a cost at which the search stops.

    Returns:
        The cheapest architecture that was looked at, and its cost.
    """
    best, least = first, math.inf
    for architecture in _draws(first):
        value = cost(architecture)
        if value < least:
            best, least = architecture, value
        if least <= enough:
            return best, least
    start = math.inf
    while enough < least < start:
        start = least
        for i in range(len(cost.space)):
            for architecture in _changed(best, i):
                value = cost(architecture)
                if value < least:
                    best, least = architecture, value
    return best, least


def _draws(first: Architecture) -> Iterator[Architecture]:
    yield first
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        yield first.space.uniform(rng)


def _changed(architecture: Architecture, i: int) -> Iterator[Architecture]:
    """The architectures that differ in variable i alone."""
    for category in range(architecture.space.sizes[i]):
        if category != architecture.indices[i]:
            yield architecture.replaced(i, category)
