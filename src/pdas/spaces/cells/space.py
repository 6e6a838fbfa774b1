"""The search space of cells (ENAS micro; paper, section 4.1) and its decoding.

Both cell types, normal and reduction, have B nodes of four variables each: the inputs `in1`, `in2`
and the operations `op1`, `op2`. With B = 5 and 5 operations, D = 40 and sum K = 180.
This module is the only one that knows how a cell is written as variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pdas.space import Assignment, Label, SearchSpace

CELL_TYPES = ("normal", "reduction")
CELL_INPUTS = ("prev_prev", "prev")


@dataclass(frozen=True)
class Edge:
    """One input of a node: an operation applied to a source, as the networks number it.

    Attributes:
        source: 0 and 1 are the cell's inputs, the outputs of the cell before the previous one and
            of the previous one; `2 + b` is node b, counted from 0.
        operation: its name.

    Example:
        Edge(1, "sep_conv_3x3")
    """

    source: int
    operation: str


@dataclass(frozen=True)
class CellPlan:
    """A decoded cell.

    Attributes:
        nodes: the two edges of every node, in order.

    Example:
        CellPlan(((Edge(0, "identity"), Edge(1, "identity")),)).loose_ends  # (0,)
    """

    nodes: tuple[tuple[Edge, Edge], ...]

    @cached_property
    def sources(self) -> frozenset[int]:
        """All sources that some node uses."""
        return frozenset(edge.source for edges in self.nodes for edge in edges)

    @cached_property
    def loose_ends(self) -> tuple[int, ...]:
        """The nodes, from 0, whose output no other node uses: the cell's output is made of them."""
        return tuple(b for b in range(len(self.nodes)) if b + 2 not in self.sources)


def cell_space(nodes: int, operations: Sequence[str]) -> SearchSpace:
    """The variables of both cell types, `"normal/node1/in1"` and so on.

    Args:
        nodes: B, of each cell.
        operations: the names that a node may choose among.
    """
    variables: dict[str, Sequence[str]] = {}
    for cell in CELL_TYPES:
        for b in range(1, nodes + 1):
            for slot in (1, 2):
                variables[f"{cell}/node{b}/in{slot}"] = _sources(b)
                variables[f"{cell}/node{b}/op{slot}"] = tuple(operations)
    return SearchSpace(variables)


def count_nodes(architecture: Assignment) -> int:
    """B, the nodes of each cell; 0 if there are none.

    Args:
        architecture: an architecture, or its labels.
    """
    nodes = 0
    while f"{CELL_TYPES[0]}/node{nodes + 1}/in1" in architecture:
        nodes += 1
    return nodes


def is_cell(architecture: Mapping[str, object]) -> bool:
    """Whether labels are those of a normal and a reduction cell, and of nothing else.

    Args:
        architecture: the labels.
    """
    nodes = count_nodes(architecture)
    try:
        for cell in CELL_TYPES:
            decode(architecture, cell)
    except (KeyError, ValueError):
        return False
    return nodes > 0 and len(architecture) == 4 * nodes * len(CELL_TYPES)


def decode(architecture: Assignment, cell: str) -> CellPlan:
    """The plan of one cell type.

    Args:
        architecture: of the cell space, or its labels.
        cell: "normal" or "reduction".
    """
    nodes: list[tuple[Edge, Edge]] = []
    for b in range(1, count_nodes(architecture) + 1):
        prefix = f"{cell}/node{b}"
        first, second = (
            Edge(
                _sources(b).index(str(architecture[f"{prefix}/in{slot}"])),
                str(architecture[f"{prefix}/op{slot}"]),
            )
            for slot in (1, 2)
        )
        nodes.append((first, second))
    return CellPlan(tuple(nodes))


def encode(plan: CellPlan) -> dict[str, Label]:
    """The labels of the architecture whose normal and reduction cell both are one plan.

    Args:
        plan: of both cells.
    """
    labels: dict[str, Label] = {}
    for cell in CELL_TYPES:
        for b, edges in enumerate(plan.nodes, start=1):
            for slot, edge in enumerate(edges, start=1):
                labels[f"{cell}/node{b}/in{slot}"] = _sources(b)[edge.source]
                labels[f"{cell}/node{b}/op{slot}"] = edge.operation
    return labels


def _sources(b: int) -> tuple[str, ...]:
    """Labels of what node b, from 1, may read."""
    return (*CELL_INPUTS, *(f"node{earlier}" for earlier in range(1, b)))
