"""A cell as the graph that is drawn and told: its nodes and edges by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pdas.space import Assignment
from pdas.spaces.cells.space import CELL_INPUTS, decode


@dataclass(frozen=True)
class NamedEdge:
    """One of the two inputs of a node: an operation applied to a source.

    Attributes:
        source: "prev_prev", "prev" or an earlier node.
        node: "node1" and so on.
        slot: 1 or 2.
        operation: its name.

    Example:
        NamedEdge("prev", "node1", slot=1, operation="identity")
    """

    source: str
    node: str
    slot: int
    operation: str


@dataclass(frozen=True)
class Cell:
    """A cell by names.

    Attributes:
        nodes: "node1" and so on.
        edges: in order of node and slot.
        loose_ends: the nodes that no other node uses; the output of the cell is made of theirs.

    Example:
        read_cell(architecture, "normal").loose_ends
    """

    nodes: tuple[str, ...]
    edges: tuple[NamedEdge, ...]
    loose_ends: tuple[str, ...]


def read_cell(architecture: Assignment, cell: str) -> Cell:
    """A cell of an architecture.

    Args:
        architecture: for which `is_cell` holds, or its labels.
        cell: "normal" or "reduction".
    """
    plan = decode(architecture, cell)
    nodes = tuple(f"node{b}" for b in range(1, len(plan.nodes) + 1))
    sources = (*CELL_INPUTS, *nodes)
    edges = tuple(
        NamedEdge(sources[edge.source], node, slot, edge.operation)
        for node, pair in zip(nodes, plan.nodes, strict=True)
        for slot, edge in enumerate(pair, start=1)
    )
    return Cell(nodes, edges, tuple(nodes[b] for b in plan.loose_ends))


def count_operations(cell: Cell) -> str:
    """The operations of a cell by number, such as "4 sep_conv_3x3, 2 identity".

    Args:
        cell: of `read_cell`.
    """
    counts = Counter(edge.operation for edge in cell.edges)
    return ", ".join(f"{count} {operation}" for operation, count in counts.most_common())


def cell_text(name: str, cell: Cell) -> str:
    """A cell in lines, each node as a sum.

    Args:
        name: "normal" or "reduction".
        cell: of `read_cell`.
    """
    lines = [f"{name} cell"]
    for node in cell.nodes:
        terms = [f"{e.operation}({e.source})" for e in cell.edges if e.node == node]
        lines.append(f"  {node} = {' + '.join(terms)}")
    lines.append(f"  output = concat({', '.join(cell.loose_ends)})")
    return "\n".join(lines)
