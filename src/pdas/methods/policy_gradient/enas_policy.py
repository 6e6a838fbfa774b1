"""The controller of ENAS for cells: an LSTM that points at earlier nodes and draws operations.

Pham et al., "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pdas.distributed.default_device import computes_on_cpu
from pdas.methods.graph_variables import GraphVariables, graphs_of
from pdas.methods.policy_gradient.policy import Policy, uniform_weights
from pdas.space import SearchSpace

HIDDEN = 64
SCALE = 0.1  # weights are uniform in (-SCALE, SCALE)
BOUND = 1.10  # logits of inputs are BOUND tanh(...)
REDUCED = BOUND / 2.5  # those of operations
PRIOR = 10.0  # the first bias of separable convolutions
LEANING = 0.25  # a fixed part of the logits of operations in the normal cell
FAVOURED = "sep_conv"  # what both of these favour, by the beginning of its label


@computes_on_cpu
class EnasPolicy(Policy):
    """The controller of ENAS, over the variables of a normal and further cells.

    The tanh bounds every probability: an operation has at most 0.376, or 0.461 in the normal cell,
    an input at most 0.90 (of two) to 0.64 (of six).

    Args:
        space: of cells, see `graphs_of`.
        plain: whether nothing favours separable convolutions at the start.
        seed: of the weights.

    Example:
        EnasPolicy(net.space, plain=True, seed=0).greedy()
    """

    def __init__(self, space: SearchSpace, *, plain: bool = False, seed: int = 0) -> None:
        super().__init__(space.sizes.tolist())
        graphs = graphs_of(space)
        assert graphs is not None
        self._graphs = graphs
        (labels,) = {tuple(space[name]) for name in space.names if "/op" in name}
        favoured = torch.tensor([float(str(label).startswith(FAVOURED)) for label in labels])
        self.lstm = nn.Parameter(torch.empty(2 * HIDDEN, 4 * HIDDEN))
        self.start = nn.Parameter(torch.empty(HIDDEN))
        self.embedding = nn.Parameter(torch.empty(len(labels), HIDDEN))
        self.operation = nn.Parameter(torch.empty(HIDDEN, len(labels)))
        self.key = nn.Parameter(torch.empty(HIDDEN, HIDDEN))
        self.query = nn.Parameter(torch.empty(HIDDEN, HIDDEN))
        self.score = nn.Parameter(torch.empty(HIDDEN))
        uniform_weights(self, SCALE, seed)
        self.bias = nn.Parameter(torch.zeros(len(labels)) if plain else PRIOR * favoured)
        self._leaning = torch.zeros(len(labels)) if plain else LEANING * (2 * favoured - 1)

    def path(self, n: int, choose: Callable[[int, Tensor], Tensor]) -> None:
        start = self.start.expand(n, -1)
        zero = torch.zeros_like(start)
        state = zero, zero
        for (
            name,
            graph,
        ) in self._graphs.items():  # a later one continues from the state of the former
            leaning = self._leaning if name == next(iter(self._graphs)) else None
            state = self._choose_graph(graph, leaning, start, state, choose)

    def _choose_graph(
        self,
        graph: GraphVariables,
        leaning: Tensor | None,
        start: Tensor,
        state: tuple[Tensor, Tensor],
        choose: Callable[[int, Tensor], Tensor],
    ) -> tuple[Tensor, Tensor]:
        anchors, keys = [torch.zeros_like(start)] * 2, []
        for _ in range(2):  # the two inputs of the cell
            state = self._step(start, state)
            keys.append(state[0] @ self.key)
        x = start
        for inputs, operations in zip(graph.inputs, graph.operations, strict=True):
            for variable in inputs:
                state = self._step(x, state)
                pointed = torch.tanh(torch.stack(keys, 1) + (state[0] @ self.query).unsqueeze(1))
                chosen = choose(variable, BOUND * torch.tanh(pointed @ self.score))
                x = torch.stack(anchors, 1)[torch.arange(len(x)), chosen]
            for variable in operations:
                state = self._step(x, state)
                logits = REDUCED * torch.tanh(state[0] @ self.operation + self.bias)
                x = self.embedding[self._chosen(choose, variable, logits, leaning)]
            state = self._step(x, state)
            anchors.append(state[0])
            keys.append(state[0] @ self.key)
            x = start
        return state

    def _chosen(
        self,
        choose: Callable[[int, Tensor], Tensor],
        variable: int,
        logits: Tensor,
        leaning: Tensor | None,
    ) -> Tensor:
        """The operation; without a choice it is the only one."""
        if self.sizes[variable] == 1:
            return torch.zeros(len(logits), dtype=torch.long)
        return choose(variable, logits if leaning is None else logits + leaning)

    def _step(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """One step of an LSTM without biases; its gates are in the order i, f, o, g."""
        h, c = state
        i, f, o, g = (torch.cat([x, h], 1) @ self.lstm).chunk(4, 1)
        c = i.sigmoid() * g.tanh() + f.sigmoid() * c
        return o.sigmoid() * c.tanh(), c
