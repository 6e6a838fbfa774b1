"""Architectures read back as graphs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdas.spaces.cells.graph import NamedEdge, read_cell
from pdas.spaces.cells.space import CELL_TYPES


def test_edges_and_loose_ends_of_a_cell_written_out() -> None:
    normal = {
        "normal/node1/in1": "prev",
        "normal/node1/op1": "identity",
        "normal/node1/in2": "prev",
        "normal/node1/op2": "max_pool_3x3",
        "normal/node2/in1": "prev_prev",
        "normal/node2/op1": "sep_conv_3x3",
        "normal/node2/in2": "prev",
        "normal/node2/op2": "identity",
        "normal/node3/in1": "node1",
        "normal/node3/op1": "avg_pool_3x3",
        "normal/node3/in2": "prev",
        "normal/node3/op2": "identity",
    }
    cell = read_cell(normal, "normal")
    assert cell.nodes == ("node1", "node2", "node3")
    assert cell.edges == (
        NamedEdge("prev", "node1", 1, "identity"),
        NamedEdge("prev", "node1", 2, "max_pool_3x3"),
        NamedEdge("prev_prev", "node2", 1, "sep_conv_3x3"),
        NamedEdge("prev", "node2", 2, "identity"),
        NamedEdge("node1", "node3", 1, "avg_pool_3x3"),
        NamedEdge("prev", "node3", 2, "identity"),
    )
    assert cell.loose_ends == ("node2", "node3")


@pytest.mark.parametrize("nodes", [1, 3, 5, 8, 12])
def test_edges_are_the_labels_of_the_architecture(
    nodes: int, random_cells: Callable[..., dict[str, str]]
) -> None:
    for seed in range(20):
        architecture = random_cells(nodes, seed)
        labels = {}
        for name in CELL_TYPES:
            cell = read_cell(architecture, name)
            assert cell.nodes == tuple(f"node{b}" for b in range(1, nodes + 1))
            used = {edge.source for edge in cell.edges}
            assert cell.loose_ends == tuple(node for node in cell.nodes if node not in used)
            for edge in cell.edges:
                labels[f"{name}/{edge.node}/in{edge.slot}"] = edge.source
                labels[f"{name}/{edge.node}/op{edge.slot}"] = edge.operation
        assert labels == architecture
