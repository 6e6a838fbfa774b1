"""Which architectures tell what each category adds: one change at a time, from one of them.

What a category adds depends on the others. So variables are not all changed from one architecture,
which may be an extreme one, but a few from each of many that are drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from pdas.nn.conditions import Conditions, activated
from pdas.nn.protocols import ActiveSupernet, ConditionedSupernet, SupernetProtocol
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import IntArray

Change = tuple[int, int]
"""The position of a variable, and the index of its category."""

Changes = dict[Architecture, list[Change]]
ReferenceOf = Callable[[Architecture, int], Architecture | None]
"""None of a variable that is hardly ever in use, and so hardly counts."""

DRAWS = 1000  # of architectures, to find one that uses a variable
ROUNDS = 10  # in which variables inside of others are set to their first category


def rounds_of(net: SupernetProtocol, most: int, rounds: int) -> list[Changes]:
    """For each round all categories, by the architecture that each is compared with.

    Left out are those that this one has. It uses the variable. What another category of the
    variable uses, or does not, has its first category there: so that is a part of what the category
    adds. Over the rounds the categories of each variable are evenly frequent around the others.

    Args:
        net: any supernet.
        most: changes from one architecture; more of one variable stay together.
        rounds: how many.
    """
    rng = np.random.default_rng(0)
    reference_of = _reference_of(net, rng)
    found: list[Changes] = [{} for _ in range(rounds)]
    for positions in _groups(net.space, most):
        for changes, drawn in zip(found, latin_hypercube(net.space, rounds, rng), strict=True):
            for position in positions:
                reference = reference_of(drawn, position)
                if reference is not None:
                    own = reference.indices[position]
                    others = [(position, k) for k in range(net.space.sizes[position]) if k != own]
                    changes.setdefault(reference, []).extend(others)
    return found


def latin_hypercube(space: SearchSpace, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Architectures in which the categories of each variable are as evenly frequent as can be.

    Args:
        space: of the architectures.
        count: how many.
        rng: draws them.
    """
    # McKay, Beckman and Conover (1979): a draw from each of `count` equal parts, in any order.
    part = rng.permuted(np.tile(np.arange(count), (len(space), 1)), axis=1)
    uniform = (part + rng.random(part.shape)) / count
    indices = np.floor(uniform * space.sizes[:, np.newaxis]).astype(np.int64)
    return space.architectures(indices.T)


def _groups(space: SearchSpace, most: int) -> Iterator[list[int]]:
    """Positions whose changes are made from one architecture."""
    group, changes = [], 0
    for position, size in enumerate(space.sizes):
        group.append(position)
        changes += int(size) - 1
        if changes >= most:
            yield group
            group, changes = [], 0
    if group:
        yield group


def parts(changes: Sequence[Change], size: int) -> Iterator[Sequence[Change]]:
    """As many at a time as are measured together; at least one part, which may be empty.

    Args:
        changes: from one architecture.
        size: the most in a part.
    """
    for start in range(0, max(len(changes), 1), size):
        yield changes[start : start + size]


def _reference_of(net: SupernetProtocol, rng: np.random.Generator) -> ReferenceOf:
    """A function from what was drawn, and a variable, to what the variable is changed from."""
    if isinstance(net, ConditionedSupernet):
        return _by_conditions(net.use_conditions)
    if isinstance(net, ActiveSupernet):
        return partial(_by_active, net, rng)
    return lambda drawn, position: drawn


def _by_conditions(conditions: Sequence[Sequence[Conditions]]) -> ReferenceOf:
    inside: dict[str, list[int]] = {}  # by the name of a variable, those that depend on it
    for position, cases in enumerate(conditions):
        for name in {name for case in cases for name in case}:
            inside.setdefault(name, []).append(position)

    def reference_of(drawn: Architecture, position: int) -> Architecture:
        depending = inside.get(drawn.space.names[position])
        reference = drawn if depending is None else _with_first(drawn, depending)
        is_used = any(case.hold(reference) for case in conditions[position])
        return reference if is_used else activated(reference, conditions[position][0])

    return reference_of


def _by_active(
    net: ActiveSupernet, rng: np.random.Generator, drawn: Architecture, position: int
) -> Architecture | None:
    for _ in range(DRAWS):
        if net.active(drawn)[position]:
            break
        drawn = net.space.uniform(rng)
    else:
        return None
    for _ in range(ROUNDS):  # what is set may decide about others
        used = [net.active(drawn.replaced(position, k)) for k in range(net.space.sizes[position])]
        inside = (np.array(used) != used[0]).any(axis=0)
        inside[position] = False
        if not drawn.indices[inside].any():
            break
        drawn = _with_first(drawn, inside.nonzero()[0])
    return drawn


def _with_first(architecture: Architecture, positions: IntArray | list[int]) -> Architecture:
    """The architecture, but of some variables the first category."""
    indices = architecture.indices.copy()
    indices[positions] = 0
    return architecture.space.architecture(indices)
