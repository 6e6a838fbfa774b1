"""Different networks from an optimizer, for a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from pdas.methods.base import Active
from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture

DRAWS = 50  # calls of `ask` at most; each draws as many architectures as are needed in all


def propose(optimizer: Optimizer, count: int, active: Active | None = None) -> list[Architecture]:
    """The finalists that the optimizer names, or its best architecture, and draws of it.

    See `distinct`.
    """
    named = getattr(optimizer, "finalists", None)
    return distinct(optimizer, count, active, [optimizer.best()] if named is None else named(count))


def distinct(
    optimizer: Optimizer,
    count: int,
    active: Active | None = None,
    first: Sequence[Architecture] = (),
) -> list[Architecture]:
    """Architectures of different networks.

    Args:
        optimizer: draws architectures.
        count: the number of networks.
        active: the variables that an architecture uses. Architectures that differ only in the
            others are the same network.
        first: architectures that are taken before any are drawn.

    Returns:
        `count` architectures, or fewer if the draws do not yield as many.
    """
    found = {network_of(architecture, active): architecture for architecture in first}
    for _ in range(DRAWS):
        if len(found) >= count:
            break
        for architecture in optimizer.ask(count):
            found.setdefault(network_of(architecture, active), architecture)
    return list(found.values())[:count]


def network_of(architecture: Architecture, active: Active | None) -> tuple[int | None, ...]:
    """The category of every variable that is in use, which identifies a network.

    Args:
        architecture: of the network.
        active: the variables that an architecture uses; by default all.
    """
    indices = architecture.indices.tolist()
    used = [True] * len(indices) if active is None else active(architecture)
    return tuple(index if use else None for index, use in zip(indices, used, strict=True))
