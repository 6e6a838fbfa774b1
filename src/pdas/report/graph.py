"""A cell as a graph, read back from the names and labels of an architecture.

Variables are named `<cell>/node<b>/in1|op1|in2|op2`, b from 1, for the cells "normal" and
"reduction". Input labels are "prev_prev" and "prev", the outputs of the cell before the previous
one and of the previous one, and "node<a>" for an earlier node. Operation labels are free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CELLS = ("normal", "reduction")
INPUTS = ("prev_prev", "prev")


@dataclass(frozen=True)
class Edge:
    """One of the two inputs of a node: the operation of a slot (1 or 2) applied to a source."""

    source: str
    node: str
    slot: int
    operation: str


@dataclass(frozen=True)
class Cell:
    """The nodes of a cell, "node1" and so on, and their edges in order of node and slot."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def loose_ends(self) -> tuple[str, ...]:
        """The nodes that no other node uses; their outputs make the output of the cell."""
        used = {edge.source for edge in self.edges}
        return tuple(node for node in self.nodes if node not in used)


def is_cell(architecture: Mapping[str, object]) -> bool:
    """Whether an architecture consists of a normal and a reduction cell, and of nothing else."""
    counts = [_count_nodes(architecture, cell) for cell in CELLS]
    return all(counts) and len(architecture) == 4 * sum(counts) and _sources_exist(architecture)


def read_cell(architecture: Mapping[str, object], cell: str) -> Cell:
    """The cell "normal" or "reduction" of an architecture for which `is_cell` holds."""
    nodes = tuple(f"node{b}" for b in range(1, _count_nodes(architecture, cell) + 1))
    edges = tuple(
        Edge(
            source=str(architecture[f"{cell}/{node}/in{slot}"]),
            node=node,
            slot=slot,
            operation=str(architecture[f"{cell}/{node}/op{slot}"]),
        )
        for node in nodes
        for slot in (1, 2)
    )
    return Cell(nodes, edges)


def _count_nodes(architecture: Mapping[str, object], cell: str) -> int:
    """The number of nodes from node 1 on whose four variables are all there."""
    count = 0
    while all(
        f"{cell}/node{count + 1}/{variable}" in architecture
        for variable in ("in1", "op1", "in2", "op2")
    ):
        count += 1
    return count


def _sources_exist(architecture: Mapping[str, object]) -> bool:
    """Whether every input label is an input of the cell or an earlier node."""
    return all(
        edge.source in (*INPUTS, *(f"node{a}" for a in range(1, int(edge.node[4:]))))
        for cell in CELLS
        for edge in read_cell(architecture, cell).edges
    )
