"""One cell of the supernet: the weights of every choice, of which a plan uses some."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.kernels import WithKernels
from pdas.nn.memo import Memo
from pdas.spaces.cells.fused import pointwise
from pdas.spaces.cells.layout import Position
from pdas.spaces.cells.network import edge_name, input_block
from pdas.spaces.cells.operations import OPERATIONS, batch_statistics
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import CellPlan, Edge


class CellMemo(Memo):
    """What is computed in one cell, where blocks that read the same map share its ReLU.

    Args:
        own_relus: whether each block does its own instead, as compiled operators do at no cost.

    Example:
        memo = CellMemo()
        memo.after_relu(block, memo.relu(x))  # block(x)
    """

    def __init__(self, own_relus: bool = False) -> None:
        super().__init__()
        self._own_relus = own_relus

    def relu(self, x: Tensor) -> Tensor:
        """A map after the ReLU that blocks share.

        Args:
            x: `(N, C, H, W)`.
        """
        return x if self._own_relus else self(F.relu, x)

    def after_relu(self, block: nn.Module, x: Tensor) -> Tensor:
        """The output of a block that begins with a ReLU.

        Args:
            block: of `pdas.spaces.cells.operations`.
            x: of `relu`.
        """
        if self._own_relus:
            return self(block, x)
        after_relu = block.after_relu
        assert callable(after_relu)
        return self(after_relu, x)


class SearchCell(nn.Module):
    """One cell with the weights of every choice.

    Args:
        position: where it is in the network.
        settings: of the network.

    Attributes:
        operations: their names.

    Example:
        SearchCell(position, CellSettings())(prev_prev, prev, plan, CellMemo())
    """

    def __init__(self, position: Position, settings: CellSettings) -> None:
        super().__init__()
        channels = position.channels
        self.operations = settings.operations
        self.inputs = nn.ModuleList(
            input_block(position, source, batch_statistics) for source in (0, 1)
        )
        self.edges = nn.ModuleDict()
        weightless: dict[tuple[str, int], nn.Module] = {}
        for b in range(settings.nodes):
            for edge in (Edge(s, o) for s in range(b + 2) for o in settings.operations):
                stride = position.stride(edge.source)
                operation = OPERATIONS[edge.operation](channels, stride, batch_statistics)
                if not list(operation.parameters()):
                    # One module for all nodes, so that `Memo` sees that they do the same.
                    operation = weightless.setdefault((edge.operation, stride), operation)
                self.edges[edge_name(b, edge)] = operation
        self.output = SlicedOutput(settings.nodes, channels)

    def forward(self, prev_prev: Tensor, prev: Tensor, plan: CellPlan, memo: CellMemo) -> Tensor:
        """The cell's output; an input that the plan does not use is not read.

        Args:
            prev_prev: the output of the cell before the previous one, after `memo.relu`.
            prev: that of the previous cell, after `memo.relu`.
            plan: the edges that are computed.
            memo: of the pass, shared by several architectures.

        Returns:
            `(N, channels, H', W')`.
        """
        values = [
            memo.after_relu(block, x) if source in plan.sources else x
            for source, (block, x) in enumerate(zip(self.inputs, (prev_prev, prev), strict=True))
        ]
        for b, edges in enumerate(plan.nodes):
            terms = [
                apply_operation(self.edges[edge_name(b, e)], values[e.source], memo) for e in edges
            ]
            # In one order: a + b of one architecture is then b + a of another.
            values.append(memo(torch.add, *sorted(terms, key=id)))
        return memo(self.output, plan.loose_ends, *(values[b + 2] for b in plan.loose_ends))


def apply_operation(operation: nn.Module, x: Tensor, memo: CellMemo) -> Tensor:
    """An operation on a state, whose ReLU is shared by all operations that begin with it.

    Args:
        operation: of an edge.
        x: `(N, C, H, W)`.
        memo: of the pass.
    """
    if hasattr(operation, "after_relu"):
        return memo.after_relu(operation, memo.relu(x))
    return memo(operation, x)


class SlicedOutput(nn.Module, WithKernels):
    """ReLU, 1x1 convolution and batch norm of the concatenated loose ends of a cell.

    The weight is kept in one block a node and only the blocks of the loose ends are put together,
    so that the block of any other node has no gradient at all.

    Args:
        nodes: of the cell.
        channels: of each node, and of the output.

    Example:
        SlicedOutput(nodes=5, channels=16)((3, 4), node3, node4)
    """

    def __init__(self, nodes: int, channels: int) -> None:
        super().__init__()
        whole = nn.Conv2d(nodes * channels, channels, 1, bias=False).weight.detach()
        self.blocks = nn.ParameterList(
            nn.Parameter(block.clone()) for block in torch.split(whole, channels, dim=1)
        )
        self.norm = batch_statistics(channels)

    def weight(self, ends: Sequence[int]) -> Tensor:
        """The weight for some of the nodes.

        Args:
            ends: the nodes, from 0.

        Returns:
            `(channels, len(ends) * channels, 1, 1)`.
        """
        return torch.cat([self.blocks[b] for b in ends], dim=1)

    def forward(self, ends: Sequence[int], *values: Tensor) -> Tensor:
        """The output of the cell.

        Args:
            ends: the loose ends, nodes from 0.
            values: their outputs, `(N, channels, H, W)` each.

        Returns:
            `(N, channels, H, W)`.
        """
        if self.use_kernels:
            fused = pointwise(values, [self.weight(ends)], self.norm)
            if fused is not None:
                return fused
        # ReLU before `cat`: the gradient that comes out of `cat` is not channels-last.
        x = torch.cat([F.relu(value) for value in values], dim=1)
        out: Tensor = self.norm(F.conv2d(x, self.weight(ends)))
        return out
