"""Where everything of a drawn cell stands: boxes, circles and wires, in inches, without a pixel.

From left to right: the two inputs, the nodes by depth, the output. A node is a circle with the two
operations in front of it, each in a box of its own at which one wire arrives. Nodes of one depth
form a column. Wires bend between columns only and pass a column in a lane of their own, so that
nothing runs over a box or its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pdas.drawing.layered import Arrangement, Connection, arrange
from pdas.spaces.cells.graph import Cell
from pdas.spaces.cells.space import CELL_INPUTS

OUTPUT = "output"

BOX_HEIGHT = 0.27  # of an operation, an input and the output
BOX_GAP = 0.08  # between the two operations of a node
STEM = 0.2  # from the operations to the circle
RADIUS = 0.15  # of the circle
GAP = 0.2  # between neighbours in a column, boxes and lanes
LANE = 0.15  # between the wires that arrive at the output
OUTPUT_WIDTH = 0.66
NARROWEST = 0.5  # distance of two columns, more where wires climb far:
STEEPEST = 2.0  # the most that a wire climbs over its run

Point = tuple[float, float]
Columns = Sequence[tuple[float, float]]  # left and right of each


@dataclass(frozen=True)
class Box:
    """A rectangle, or the square around a node's circle, with its text.

    Attributes:
        x, y: of the centre, in inches.
        width, height: in inches.
        text: in the box.

    Example:
        Box(0.0, 0.0, width=1.0, height=0.27, text="prev")
    """

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Wire:
    """A line from a vertex to another: S-curves between columns, straight lines inside them.

    Attributes:
        source, target: the vertices.
        operation: None on a wire from a loose end to the output.
        slot: 1 or 2; None as the operation.
        points: they alternate: a curve from the first to the second, a line to the third, and so
            on.

    Example:
        Wire("prev", "node1", operation="identity", slot=1)
    """

    source: str
    target: str
    operation: str | None = None
    slot: int | None = None
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class CellLayout:
    """A drawn cell; it starts at x = 0 and lies between the heights `bottom` and `top`.

    Attributes:
        inputs: a box for each input of the cell.
        operations: a box for each (node, slot).
        nodes: a circle for each node.
        output: a box.
        wires: between them.

    Example:
        lay_out(read_cell(architecture, "normal"), box_width=1.0).width
    """

    inputs: Mapping[str, Box]
    operations: Mapping[tuple[str, int], Box]
    nodes: Mapping[str, Box]
    output: Box
    wires: tuple[Wire, ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All boxes and circles."""
        return (
            *self.inputs.values(),
            *self.operations.values(),
            *self.nodes.values(),
            self.output,
        )

    @property
    def width(self) -> float:
        """From the left of the inputs to the right of the output."""
        return self.output.x + self.output.width / 2

    @property
    def bottom(self) -> float:
        """The y of the lowest box or wire."""
        lines = [y for wire in self.wires for _, y in wire.points]
        return min(*lines, *(box.y - box.height / 2 for box in self.boxes))

    @property
    def top(self) -> float:
        """The y of the highest box or wire."""
        lines = [y for wire in self.wires for _, y in wire.points]
        return max(*lines, *(box.y + box.height / 2 for box in self.boxes))


def lay_out(cell: Cell, box_width: float) -> CellLayout:
    """The layout of a cell.

    Args:
        cell: to be drawn.
        box_width: of the boxes of inputs and operations, in inches.
    """
    depths = _depths(cell)
    wires = [Wire(e.source, e.node, e.operation, e.slot) for e in cell.edges]
    wires += [Wire(node, OUTPUT) for node in cell.loose_ends]
    heights = {
        **dict.fromkeys(CELL_INPUTS, BOX_HEIGHT),
        **dict.fromkeys(cell.nodes, 2 * BOX_HEIGHT + BOX_GAP),
        OUTPUT: BOX_HEIGHT + (len(cell.loose_ends) - 1) * LANE,
    }
    pitches = {**dict.fromkeys(cell.nodes, BOX_HEIGHT + BOX_GAP), OUTPUT: LANE}
    connections = [Connection(wire.source, wire.target) for wire in wires]
    arrangement = arrange(depths, connections, heights, pitches, GAP)
    columns = _columns(wires, arrangement, depths, box_width)
    wires = [
        replace(wire, points=_points(path, columns[depths[wire.source] :]))
        for wire, path in zip(wires, arrangement.paths, strict=True)
    ]
    y = arrangement.y
    return CellLayout(
        inputs={
            name: Box(box_width / 2, y[name], box_width, BOX_HEIGHT, name) for name in CELL_INPUTS
        },
        operations={
            (wire.target, wire.slot): _box_at(wire.points[-1], box_width, wire.operation)
            for wire in wires
            if wire.operation is not None and wire.slot is not None
        },
        nodes={
            node: Box(
                columns[depths[node]][1] - RADIUS, y[node], 2 * RADIUS, 2 * RADIUS, _number(node)
            )
            for node in cell.nodes
        },
        output=Box(
            columns[-1][0] + OUTPUT_WIDTH / 2, y[OUTPUT], OUTPUT_WIDTH, heights[OUTPUT], "concat"
        ),
        wires=tuple(wires),
    )


def _box_at(left: Point, width: float, text: str) -> Box:
    """The box of an operation, at the point where its wire arrives."""
    return Box(left[0] + width / 2, left[1], width, BOX_HEIGHT, text)


def _number(node: str) -> str:
    return node.removeprefix("node")


def _depths(cell: Cell) -> dict[str, int]:
    """The column of every vertex: the one after its last source. Inputs from the bottom up."""
    depths = dict.fromkeys(reversed(CELL_INPUTS), 0)
    for node in cell.nodes:
        depths[node] = 1 + max(depths[edge.source] for edge in cell.edges if edge.node == node)
    depths[OUTPUT] = 1 + max(depths.values())
    return depths


def _columns(
    wires: Sequence[Wire], arrangement: Arrangement, depths: Mapping[str, int], box_width: float
) -> Columns:
    """Left and right of every column, further apart where a wire climbs far between them."""
    climbs = [0.0] * depths[OUTPUT]
    for wire, path in zip(wires, arrangement.paths, strict=True):
        for i, (start, end) in enumerate(pairwise(path), start=depths[wire.source]):
            climbs[i] = max(climbs[i], abs(end - start))
    node_width = box_width + STEM + 2 * RADIUS
    widths = [node_width] * (len(climbs) - 1) + [OUTPUT_WIDTH]
    columns = [(0.0, box_width)]
    for climb, width in zip(climbs, widths, strict=True):
        left = columns[-1][1] + max(NARROWEST, climb / STEEPEST)
        columns.append((left, left + width))
    return columns


def _points(path: Sequence[float], columns: Columns) -> tuple[Point, ...]:
    """The points of a wire of these heights, the first of them at the right of the first column."""
    points: list[Point] = []
    for i, (start, end) in enumerate(pairwise(path)):
        points += [(columns[i][1], start), (columns[i + 1][0], end)]
    return tuple(points)
