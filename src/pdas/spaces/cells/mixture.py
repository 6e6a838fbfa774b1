"""Mixtures of cells: every node is a weighted sum of all operations on all earlier states.

Two relaxations give the weights: that of DARTS, with a softmax for every possible edge, and that of
the variables of the space, with a softmax for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pdas.nn.mixing.relaxation import VariableRelaxation
from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces.cells.network import edge_name
from pdas.spaces.cells.search_cell import CellMemo, SearchCell, apply_operation
from pdas.spaces.cells.space import CELL_TYPES, Edge, count_nodes
from pdas.support.arrays import FloatArray

KEPT = 2  # the strongest edges of a node that DARTS keeps
POOLING = "_pool_"  # in the name of an operation


@dataclass(frozen=True)
class CellMixture:
    """The weights of one kind of cell.

    Attributes:
        edges: of operation o on source s for node b, `[b][s, o]`, `(b + 2, O)`.
        ends: of each node in the output of the cell, `(B,)`.
        normalised: whether poolings are normalised over the batch, as all convolutions are. Without
            that they have larger values than convolutions, as Liu et al. saw.

    Example:
        CellRelaxation(net.space).coefficients(logits)["normal"].ends
    """

    edges: list[Tensor]
    ends: Tensor
    normalised: bool


def mixed_cell(
    cell: SearchCell, prev_prev: Tensor, prev: Tensor, mixture: CellMixture, memo: CellMemo
) -> Tensor:
    """The output of a cell, `(N, C, H', W')`.

    Args:
        cell: with the weights of every choice.
        prev_prev, prev: the outputs of the two cells before, before their ReLU.
        mixture: the weights of all edges and nodes.
        memo: of the cell.
    """
    values = [block(x) for block, x in zip(cell.inputs, (prev_prev, prev), strict=True)]
    operations = cell.operations
    for b, weights in enumerate(mixture.edges):
        terms = []
        for s, value in enumerate(values):
            for o, name in enumerate(operations):
                out = apply_operation(cell.edges[edge_name(b, Edge(s, name))], value, memo)
                if mixture.normalised and POOLING in name:
                    out = memo(_normalised, out)
                terms.append(weights[s, o] * out)
        values.append(sum_of(terms))
    nodes = [end * value for end, value in zip(mixture.ends, values[2:], strict=True)]
    # Weights are at least 0, so they may stand before the ReLU of the output block.
    output: Tensor = cell.output(range(len(nodes)), *nodes)
    return output


def sum_of(terms: list[Tensor]) -> Tensor:
    """The sum of tensors of one shape, which keeps one of them at a time."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _normalised(x: Tensor) -> Tensor:
    return F.batch_norm(x, None, None, training=True)


class CellRelaxation(VariableRelaxation):
    """The relaxation of the variables of the cell space.

    An edge has the sum over both slots of p(in = s) p(op = o); a node is in the output with the
    probability that no later slot reads it.

    Args:
        space: of cells.

    Example:
        CellRelaxation(net.space).coefficients(logits)["normal"].ends
    """

    def coefficients(self, logits: Tensor) -> dict[str, CellMixture]:
        p = dict(zip(self.space.names, self.probabilities(logits), strict=True))
        return {cell: self._mixture(cell, p) for cell in CELL_TYPES}

    def _mixture(self, cell: str, p: dict[str, Tensor]) -> CellMixture:
        nodes = range(1, _nodes(self.space) + 1)
        inputs = {(b, slot): p[f"{cell}/node{b}/in{slot}"] for b in nodes for slot in (1, 2)}
        edges = [
            sum_of([torch.outer(inputs[b, k], p[f"{cell}/node{b}/op{k}"]) for k in (1, 2)])
            for b in nodes
        ]
        ends = []
        for b in nodes:
            unread = torch.ones_like(edges[0][0, 0])
            for (reader, _), sources in inputs.items():
                if reader > b:
                    unread = unread * (1 - sources[b + 1])  # after the two inputs of the cell
            ends.append(unread)
        return CellMixture(edges, torch.stack(ends), normalised=False)


class EdgeRelaxation:
    """The relaxation of DARTS: for each possible edge a softmax over all operations and none.

    Each node keeps the two sources whose best operation is the strongest, with `none` in the
    softmax, and that operation. All nodes are in the output.

    Args:
        space: of cells.

    Attributes:
        space: see above.
        size: the number of logits: 240 for five nodes and five operations.

    Example:
        EdgeRelaxation(net.space).architecture(logits)
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._nodes = _nodes(space)
        self._operations = space[f"{CELL_TYPES[0]}/node1/op1"]
        self._rows = [b + 2 for b in range(self._nodes)]
        self.size = len(CELL_TYPES) * sum(self._rows) * (len(self._operations) + 1)

    def coefficients(self, logits: Tensor) -> dict[str, CellMixture]:
        """The weights of each kind of cell, without those of `none`."""
        return {
            cell: CellMixture(
                [rows[:, 1:] for rows in self._softmax(part)],
                torch.ones(self._nodes, device=logits.device, dtype=logits.dtype),
                normalised=True,
            )
            for cell, part in zip(CELL_TYPES, logits.chunk(len(CELL_TYPES)), strict=True)
        }

    def architecture(self, logits: Tensor) -> Architecture:
        """The strongest edges of each node."""
        labels: dict[str, Label] = {}
        parts = logits.detach().chunk(len(CELL_TYPES))
        for cell, part in zip(CELL_TYPES, parts, strict=True):
            for b, rows in enumerate(self._softmax(part), start=1):
                strength, operation = rows[:, 1:].max(1)  # of each source
                strongest = strength.topk(KEPT).indices.sort().values.tolist()
                for slot, s in enumerate(strongest, start=1):
                    labels[f"{cell}/node{b}/in{slot}"] = self.space[f"{cell}/node{b}/in{slot}"][s]
                    labels[f"{cell}/node{b}/op{slot}"] = self._operations[int(operation[s])]
        return self.space.architecture(labels)

    def largest(self, logits: Tensor) -> float:
        """The mean over the possible edges of the largest weight, `none` included."""
        parts = logits.detach().chunk(len(CELL_TYPES))
        rows = torch.cat([rows for part in parts for rows in self._softmax(part)])
        return float(rows.max(1).values.mean())

    def theta(self, logits: Tensor) -> FloatArray | None:
        """None: edges are not the variables of the space."""
        return None

    def _softmax(self, part: Tensor) -> list[Tensor]:
        """For each node the weights `(b + 2, 1 + O)` of none and of the operations."""
        rows = part.reshape(-1, len(self._operations) + 1).softmax(1)
        return list(torch.split(rows, self._rows))


def _nodes(space: SearchSpace) -> int:
    return count_nodes(space.architecture([0] * len(space)))
