"""Architectures read back as graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdas.nn.cell.space import decode
from pdas.report.graph import CELLS, INPUTS, Edge, is_cell, read_cell


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
        Edge("prev", "node1", 1, "identity"),
        Edge("prev", "node1", 2, "max_pool_3x3"),
        Edge("prev_prev", "node2", 1, "sep_conv_3x3"),
        Edge("prev", "node2", 2, "identity"),
        Edge("node1", "node3", 1, "avg_pool_3x3"),
        Edge("prev", "node3", 2, "identity"),
    )
    assert cell.loose_ends == ("node2", "node3")


@pytest.mark.parametrize("nodes", [1, 3, 5, 8, 12])
def test_agrees_with_the_network_that_runs_the_architecture(
    nodes: int, random_cells: Callable[..., dict[str, str]]
) -> None:
    for seed in range(20):
        architecture = random_cells(nodes, seed)
        for name in CELLS:
            cell, plan = read_cell(architecture, name), decode(architecture, name)
            sources = [*INPUTS, *cell.nodes]
            found = [(sources.index(edge.source), edge.operation) for edge in cell.edges]
            assert found == [(e.source, e.operation) for edges in plan.nodes for e in edges]
            assert cell.loose_ends == tuple(cell.nodes[b] for b in plan.loose_ends)


@pytest.mark.parametrize("nodes", [1, 2, 5, 8])
def test_cells_are_known_as_such(nodes: int, random_cells: Callable[..., dict[str, str]]) -> None:
    assert is_cell(random_cells(nodes, 0))


@pytest.mark.parametrize(
    "change",
    [
        {"normal/node2/in1": None},
        {"reduction/node1/op2": None},
        {"normal/node2/in1": "node2"},
        {"normal/node2/in1": "node3"},
        {"normal/node1/in1": "node0"},
        {"normal/node1/in1": "previous"},
        {"normal/node1/in1": 3},
        {"width": 64},
        {"normal/node5/in1": "prev"},
    ],
)
def test_what_is_not_a_pair_of_cells(
    change: dict[str, Any], random_cells: Callable[..., dict[str, str]]
) -> None:
    architecture = {
        name: label for name, label in {**random_cells(3, 1), **change}.items() if label is not None
    }
    assert not is_cell(architecture)


def test_other_spaces_are_not_cells(random_cells: Callable[..., dict[str, str]]) -> None:
    normal = {k: v for k, v in random_cells(3, 1).items() if k.startswith("normal")}
    assert not is_cell(normal)
    assert not is_cell({})
    assert not is_cell({"op": "conv3", "width": 64})
