"""Different networks from an optimizer, to be compared."""

from __future__ import annotations

from collections.abc import Sequence

from pdas.methods.base import Active
from pdas.methods.optimizer import Optimizer
from pdas.space import Architecture

DRAWS = 50  # for each network that is wanted, until enough are distinct


def propose(optimizer: Optimizer, count: int, active: Active | None = None) -> list[Architecture]:
    """The best and what the optimizer draws: `count` distinct networks, or all that turn up."""
    return distinct(optimizer, count, active, [optimizer.best()])


def distinct(
    optimizer: Optimizer,
    count: int,
    active: Active | None = None,
    first: Sequence[Architecture] = (),
) -> list[Architecture]:
    """`count` different networks, `first` and others that are drawn, or all that turn up.

    Args:
        optimizer: draws architectures.
        count: how many networks.
        active: which variables an architecture uses; architectures that differ only in the others
            are one network.
        first: architectures that are taken before any are drawn.
    """
    found = {_network(architecture, active): architecture for architecture in first}
    for _ in range(DRAWS):
        if len(found) >= count:
            break
        for architecture in optimizer.ask(count):
            found.setdefault(_network(architecture, active), architecture)
    return list(found.values())[:count]


def _network(architecture: Architecture, active: Active | None) -> tuple[int | None, ...]:
    """The category of every variable that is in use, which tells networks apart."""
    indices = architecture.indices.tolist()
    used = [True] * len(indices) if active is None else active(architecture)
    return tuple(index if use else None for index, use in zip(indices, used, strict=True))
