from __future__ import annotations

from typing import Any

import pytest
from cell_helpers import random_architectures

from pdas.spaces.cells.operations import OPERATIONS
from pdas.spaces.cells.space import Edge, cell_space, decode, is_cell

SPACE = cell_space(5, tuple(OPERATIONS))


def test_the_paper_s_space_has_40_variables_and_180_categories() -> None:
    assert len(SPACE) == 40
    assert SPACE.sizes.sum() == 180


@pytest.mark.parametrize("nodes", [1, 2, 3, 7])
@pytest.mark.parametrize("operations", [("identity",), ("identity", "max_pool_3x3")])
def test_node_b_chooses_two_of_its_b_plus_one_predecessors(
    nodes: int, operations: tuple[str, ...]
) -> None:
    space = cell_space(nodes, operations)
    per_cell = [size for b in range(1, nodes + 1) for size in 2 * [b + 1, len(operations)]]
    assert space.sizes.tolist() == 2 * per_cell
    assert list(space)[:4] == [f"normal/node1/{slot}" for slot in ("in1", "op1", "in2", "op2")]
    last = space[f"reduction/node{nodes}/in2"]
    assert last == ("prev_prev", "prev", *(f"node{b}" for b in range(1, nodes)))


def test_decodes_an_architecture_written_out_by_hand() -> None:
    space = cell_space(3, ("identity", "sep_conv_3x3"))
    labels = {
        "node1": ("prev_prev", "identity", "prev", "sep_conv_3x3"),
        "node2": ("prev", "identity", "prev", "identity"),
        "node3": ("node1", "sep_conv_3x3", "prev_prev", "identity"),
    }
    architecture = space.architecture(
        {
            f"{cell}/{node}/{slot}": label
            for cell in ("normal", "reduction")
            for node, values in labels.items()
            for slot, label in zip(("in1", "op1", "in2", "op2"), values, strict=True)
        }
    )
    plan = decode(architecture, "reduction")
    assert plan.nodes == (
        (Edge(0, "identity"), Edge(1, "sep_conv_3x3")),
        (Edge(1, "identity"), Edge(1, "identity")),
        (Edge(2, "sep_conv_3x3"), Edge(0, "identity")),
    )
    assert plan.sources == {0, 1, 2}
    assert plan.loose_ends == (1, 2)


def test_every_choice_can_be_read_back_from_the_plan() -> None:
    for architecture in random_architectures(SPACE, 50):
        for cell in ("normal", "reduction"):
            plan = decode(architecture, cell)
            labels = [
                label
                for pair in plan.nodes
                for edge in pair
                for label in (SPACE["normal/node5/in1"][edge.source], edge.operation)
            ]
            assert labels == [architecture[name] for name in SPACE if name.startswith(cell)]


def test_the_two_cell_types_are_independent() -> None:
    architecture = SPACE.architecture([0] * 20 + [1] * 20)
    assert {e for pair in decode(architecture, "normal").nodes for e in pair} == {
        Edge(0, "identity")
    }
    assert {e for pair in decode(architecture, "reduction").nodes for e in pair} == {
        Edge(1, "sep_conv_3x3")
    }


def test_the_last_node_is_always_a_loose_end_and_used_nodes_never_are() -> None:
    for architecture in random_architectures(SPACE, 50):
        plan = decode(architecture, "normal")
        assert 4 in plan.loose_ends
        assert {b + 2 for b in plan.loose_ends}.isdisjoint(plan.sources)
        assert {b + 2 for b in plan.loose_ends} | plan.sources >= set(range(2, 7))


@pytest.mark.parametrize("nodes", [1, 2, 5, 12])
def test_cells_are_known_as_such(nodes: int) -> None:
    for architecture in random_architectures(cell_space(nodes, ("a", "b")), 10):
        assert is_cell(architecture.to_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"normal/node2/in1": None},
        {"normal/node3/in1": None},
        {"reduction/node1/op2": None},
        {"normal/node2/in1": "node2"},
        {"normal/node2/in1": "node3"},
        {"normal/node1/in1": "node0"},
        {"normal/node1/in1": "previous"},
        {"normal/node1/in1": 3},
        {"width": 64},
        {"normal/node6/in1": "prev"},
        {"reduction/node6/in1": "prev"},
    ],
)
def test_what_is_not_a_pair_of_cells(change: dict[str, Any]) -> None:
    labels = SPACE.architecture([0] * 40).to_dict() | change
    assert not is_cell({name: label for name, label in labels.items() if label is not None})


def test_other_spaces_are_not_cells() -> None:
    labels = SPACE.architecture([0] * 40).to_dict()
    for cell in ("normal", "reduction"):
        assert not is_cell({name: v for name, v in labels.items() if name.startswith(cell)})
    assert not is_cell({})
    assert not is_cell({"op": "conv3", "width": 64})
