"""Spaces whose variables describe cells: nodes with two inputs and two operations each.

It is read off the names of the variables, as "normal/node1/in1", so that a method that makes use of
it fits any space with such names, and no other room need be known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pdas.space import SearchSpace

_VARIABLE = re.compile(r"(?P<graph>.+)/node(?P<node>\d+)/(?P<kind>in|op)(?P<slot>[12])")


@dataclass(frozen=True)
class GraphVariables:
    """The positions of the variables of a cell.

    Attributes:
        inputs: of the two inputs of each node.
        operations: of their two operations.

    Example:
        graphs_of(space)["normal"].inputs
    """

    inputs: tuple[tuple[int, int], ...]
    operations: tuple[tuple[int, int], ...]


def graphs_of(space: SearchSpace) -> dict[str, GraphVariables] | None:
    """The cells that the variables of a space describe, by name; None if they describe none.

    Node b, from 1, has two inputs out of b + 1 earlier states, and two operations; all operations
    have the same labels.

    Args:
        space: with variables such as "normal/node1/in1".
    """
    found: dict[str, dict[tuple[str, int, int], int]] = {}
    for position, name in enumerate(space.names):
        match = _VARIABLE.fullmatch(name)
        if match is None:
            return None
        key = match["kind"], int(match["node"]), int(match["slot"])
        found.setdefault(match["graph"], {})[key] = position
    labels = {tuple(space[name]) for name in space.names if "/op" in name}
    try:
        graphs = {name: _graph(space, positions) for name, positions in found.items()}
    except (KeyError, ValueError):
        return None
    return graphs if len(labels) == 1 and graphs else None


def _graph(space: SearchSpace, positions: dict[tuple[str, int, int], int]) -> GraphVariables:
    nodes = range(1, len(positions) // 4 + 1)
    pairs = {
        kind: tuple((positions[kind, node, 1], positions[kind, node, 2]) for node in nodes)
        for kind in ("in", "op")
    }
    if any(
        space.sizes[i] != node + 1
        for node, pair in zip(nodes, pairs["in"], strict=True)
        for i in pair
    ):
        raise ValueError("inputs of other nodes")
    return GraphVariables(pairs["in"], pairs["op"])
