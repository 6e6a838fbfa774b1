"""Architectures as sequences of tokens."""

from __future__ import annotations

import numpy as np

from pdas.methods.graph_variables import graphs_of
from pdas.space import SearchSpace
from pdas.support.arrays import IntArray


class Sequence:
    """How the architectures of a space are written, a token for each variable.

    Of cells all inputs have common tokens, and all operations; the input and the operation of an
    edge are joined to one step. Elsewhere each variable has tokens and a step of its own.

    Args:
        space: the search space.

    Attributes:
        joined: tokens of a step.
        tokens: the number of different tokens; 0 is the start.

    Example:
        Sequence(net.space).write(indices)
    """

    def __init__(self, space: SearchSpace) -> None:
        self.sizes = space.sizes
        graphs = graphs_of(space)
        self.joined = 1 if graphs is None else 2
        self._edges: list[list[tuple[list[int], list[int]]]] = []
        if graphs is None:
            self.first = 1 + np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        else:
            inputs = [i for graph in graphs.values() for pair in graph.inputs for i in pair]
            self.first = np.full(len(space), 1 + max(self.sizes[inputs]))
            self.first[inputs] = 1
            self._edges = [
                [
                    ([ins[0], ops[0]], [ins[1], ops[1]])
                    for ins, ops in zip(graph.inputs, graph.operations, strict=True)
                ]
                for graph in graphs.values()
            ]
        self.tokens = int((self.first + self.sizes).max())

    def write(self, indices: IntArray) -> IntArray:
        """The tokens `(n, D)` of architectures `(n, D)`."""
        tokens: IntArray = indices + self.first
        return tokens

    def canonical(self, indices: IntArray) -> IntArray:
        """The same networks, with the two edges of each node in order: one form of each network.

        Args:
            indices: `(n, D)`; of other spaces they stay as they are.
        """
        ordered = indices.copy()
        for one, other in (edges for nodes in self._edges for edges in nodes):
            first, second = indices[:, one], indices[:, other]
            # By the input, and by the operation where the inputs are equal.
            later = (first[:, 0] > second[:, 0]) | (
                (first[:, 0] == second[:, 0]) & (first[:, 1] > second[:, 1])
            )
            ordered[np.ix_(later, one)] = second[later]
            ordered[np.ix_(later, other)] = first[later]
        return ordered

    def swapped(self, indices: IntArray, rng: np.random.Generator) -> IntArray:
        """The same networks, with the two edges of a random node of each cell swapped, or of none.

        Args:
            indices: `(n, D)`; of a space without cells they stay as they are.
            rng: draws the nodes.
        """
        swapped = indices.copy()
        for nodes in self._edges:
            drawn = rng.integers(len(nodes) + 1, size=len(indices))  # the last is none
            for node, (one, other) in enumerate(nodes):
                rows = np.flatnonzero(drawn == node)[:, np.newaxis]
                swapped[rows, one], swapped[rows, other] = indices[rows, other], indices[rows, one]
        return swapped
