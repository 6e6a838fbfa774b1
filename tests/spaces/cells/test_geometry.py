"""A laid-out cell shows the architecture, and nothing in it touches or hides anything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise

import pytest

from pdas.spaces.cells.geometry import OUTPUT, Box, CellLayout, Point, Wire, lay_out
from pdas.spaces.cells.graph import Cell, read_cell
from pdas.spaces.cells.space import CELL_TYPES

BOX_WIDTH = 1.0
SHAPES = [(nodes, seed) for nodes in (1, 2, 3, 5, 8) for seed in range(8)]


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"B{shape[0]}-{shape[1]}")
def drawn(
    request: pytest.FixtureRequest, random_cells: Callable[..., dict[str, str]]
) -> list[tuple[Cell, CellLayout]]:
    architecture = random_cells(*request.param)
    cells = [read_cell(architecture, name) for name in CELL_TYPES]
    return [(cell, lay_out(cell, BOX_WIDTH)) for cell in cells]


def test_wires_are_the_edges_and_the_loose_ends(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for cell, layout in drawn:
        wires = Counter((w.source, w.target, w.operation, w.slot) for w in layout.wires)
        edges = Counter((e.source, e.node, e.operation, e.slot) for e in cell.edges)
        ends = Counter((node, OUTPUT, None, None) for node in cell.loose_ends)
        assert wires == edges + ends


def test_wires_begin_and_end_where_they_should(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for _, layout in drawn:
        sources = {**layout.inputs, **layout.nodes}
        for wire in layout.wires:
            source = sources[wire.source]
            right = (source.x + source.width / 2, source.y)
            assert wire.points[0] == pytest.approx(right)
            x, y = wire.points[-1]
            if wire.slot is None:
                assert x == pytest.approx(layout.output.x - layout.output.width / 2)
                assert abs(y - layout.output.y) < layout.output.height / 2
            else:
                box = layout.operations[wire.target, wire.slot]
                assert (x, y) == pytest.approx((box.x - box.width / 2, box.y))
                assert box.text == wire.operation


def test_operations_stand_before_their_node(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for cell, layout in drawn:
        for node in cell.nodes:
            first, second = layout.operations[node, 1], layout.operations[node, 2]
            circle = layout.nodes[node]
            assert first.x == second.x
            assert first.x + first.width / 2 < circle.x - circle.width / 2
            assert (first.y + second.y) / 2 == pytest.approx(circle.y)


def test_boxes_keep_apart(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for _, layout in drawn:
        for a, b in combinations(layout.boxes, 2):
            across = abs(a.x - b.x) - (a.width + b.width) / 2
            along = abs(a.y - b.y) - (a.height + b.height) / 2
            assert max(across, along) > 0.05


def test_wires_run_over_no_box(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for _, layout in drawn:
        for wire in layout.wires:
            for x, y in samples(wire):
                assert not [box.text for box in layout.boxes if inside(box, x, y)]


def test_wires_go_to_the_right(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for _, layout in drawn:
        for wire in layout.wires:
            assert all(a[0] < b[0] for a, b in pairwise(wire.points))


def test_arrivals_at_one_target_are_apart(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for _, layout in drawn:
        for a, b in combinations(layout.wires, 2):
            if a.target == b.target:
                assert abs(a.points[-1][1] - b.points[-1][1]) > 0.1


def test_everything_is_within_the_bounds(drawn: list[tuple[Cell, CellLayout]]) -> None:
    for _, layout in drawn:
        for box in layout.boxes:
            assert box.x - box.width / 2 >= -1e-9
            assert box.x + box.width / 2 <= layout.width + 1e-9
            assert layout.bottom <= box.y - box.height / 2
            assert layout.top >= box.y + box.height / 2
        for wire in layout.wires:
            assert all(layout.bottom <= y <= layout.top for _, y in wire.points)


def samples(wire: Wire, count: int = 40) -> Iterator[Point]:
    """Points along a wire: S-curves (cubic Bezier) and lines in turn, its ends left out."""
    for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(wire.points)):
        for k in range(1, count):
            t = k / count
            if i % 2 == 0:
                middle = (x0 + x1) / 2
                x = (1 - t) ** 3 * x0 + 3 * t * (1 - t) * middle + t**3 * x1
                y = (1 - t) ** 2 * (1 + 2 * t) * y0 + t**2 * (3 - 2 * t) * y1
            else:
                x, y = (1 - t) * x0 + t * x1, (1 - t) * y0 + t * y1
            yield x, y


def inside(box: Box, x: float, y: float) -> bool:
    return abs(x - box.x) < box.width / 2 and abs(y - box.y) < box.height / 2
