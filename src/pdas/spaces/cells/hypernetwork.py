"""The supernet of cells with weights that a hypernetwork makes of the architecture.

Brock et al., "SMASH: One-Shot Model Architecture Search through HyperNetworks", ICLR 2018, brought
to the space of cells. Generated are both pointwise weights of every separable convolution in use,
and the weights of the outputs of cells; all others are learned as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.space import Architecture, check_architecture
from pdas.space.categories import starts
from pdas.spaces.cells.layout import needed_cells
from pdas.spaces.cells.network import edge_name
from pdas.spaces.cells.operations import SeparableConv
from pdas.spaces.cells.settings import STAGES
from pdas.spaces.cells.space import CELL_TYPES, decode
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

if TYPE_CHECKING:
    from pdas.spaces.cells.supernet import CellSupernet

BLOCK = 8  # weights are made in blocks of so many outputs and inputs
POINTWISE = ("2.weight", "6.weight")  # in a separable convolution
FIRST, GROWTH, DEPTHS, SLOPE = 7, 10, (8, 10, 4), 0.02


class Generated(NamedTuple):
    """A weight that is made, and what the hypernetwork knows of it.

    Attributes:
        name: in the supernet.
        channels: of its inputs and outputs.
        marks: the positions of its ones in the condition.

    Example:
        Generated("cells.0.output.blocks.1", 16, (3, 9))
    """

    name: str
    channels: int
    marks: tuple[int, ...]


class HyperNetwork(nn.Module):
    """From a picture of an architecture to weights, in blocks of 8 x 8.

    The picture has a column for each block of inputs of all weights, and a row for each block of
    outputs. Every weight of the network, and every one that it makes, has the norm 1. It starts
    with orthogonal ones.

    Args:
        conditions: planes of the picture, beside that of the noise.
        height: rows of the picture.

    Example:
        HyperNetwork(250, 4)(condition, noise)
    """

    def __init__(self, conditions: int, height: int) -> None:
        super().__init__()
        self.height = height
        channels = conditions + 1
        self.first = _conv(channels, FIRST, 3)
        channels += FIRST
        self.dense, self.between = nn.ModuleList(), nn.ModuleList()
        for index, depth in enumerate(DEPTHS):
            if index:
                self.between.append(_conv(channels, channels // 2, 3))
                channels //= 2
            layers = [_conv(channels + i * GROWTH, GROWTH, 3) for i in range(depth)]
            self.dense.append(nn.ModuleList(layers))
            channels += depth * GROWTH
        self.last = _conv(channels, BLOCK * BLOCK, 1)
        for weight in self.parameters():
            nn.init.orthogonal_(weight)

    def forward(self, condition: Tensor, noise: Tensor) -> Tensor:
        """Blocks `(64, height, W)` for the columns of a picture.

        Args:
            condition: of each column, `(conditions, W)`.
            noise: `(height, W)`.
        """
        planes = condition.unsqueeze(1).expand(-1, self.height, -1)
        x = torch.cat([noise.unsqueeze(0), planes]).unsqueeze(0)
        x = torch.cat([x, _unit(self.first, x)], 1)
        for index, layers in enumerate(self.dense):
            if index:
                x = _unit(self.between[index - 1], x)
            assert isinstance(layers, nn.ModuleList)
            for layer in layers:
                x = torch.cat([x, _unit(layer, F.leaky_relu(x, SLOPE))], 1)
        return _unit(self.last, F.leaky_relu(x, SLOPE))[0]


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)


def _unit(conv: nn.Module, x: Tensor) -> Tensor:
    """A convolution whose weight is divided by its norm."""
    assert isinstance(conv, nn.Conv2d)
    return F.conv2d(x, conv.weight / conv.weight.norm(), padding=conv.padding)


class HyperCellSupernet(nn.Module):
    """A supernet of cells whose large weights come from a hypernetwork; it runs as that one does.

    The hypernetwork is no part of `parameters()`, since it has an optimizer of its own.

    Args:
        net: the supernet, of which the weights that are not made are trained.

    Attributes:
        net: see above.
        space: that of `net`.
        hypernetwork: see above.

    Raises:
        SettingError: the channels are no multiple of 8.

    Example:
        net = HyperCellSupernet(CellSupernet(nodes=3, channels=8))
        logits = net(x, architecture)
    """

    hypernetwork: HyperNetwork

    def __init__(self, net: CellSupernet) -> None:
        super().__init__()
        settings = net.settings
        if settings.channels % BLOCK:
            refuse(
                SettingError,
                "network.channels",
                found=str(settings.channels),
                expected=f"a multiple of {BLOCK}, the blocks of weights that a hypernetwork makes",
                remedy=f"set it to {BLOCK * max(1, round(settings.channels / BLOCK))}",
            )
        self.net = net
        self.space = net.space
        nodes, operations = settings.nodes, len(settings.operations)
        kinds = (nodes + 2, operations, nodes, len(POINTWISE), len(CELL_TYPES), STAGES)
        self._offsets = [0]
        for count in (*kinds, len(net.cells), int(self.space.sizes.sum())):
            self._offsets.append(self._offsets[-1] + count)
        height = settings.out_channels // BLOCK
        object.__setattr__(self, "hypernetwork", HyperNetwork(self._offsets[-1], height))
        self._noise: torch.Generator | None = None
        for name, weight in net.named_parameters():
            if (name.endswith(POINTWISE) and "edges" in name) or "output.blocks" in name:
                weight.requires_grad_(False)  # another one takes its place

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        """The logits of one architecture; see `CellSupernet.forward`.

        Args:
            x: images `(N, in_channels, H, W)`.
            architecture: of `space`.
        """
        check_architecture("architecture", architecture, self.space)
        logits: Tensor = torch.func.functional_call(
            self.net, self.weights(architecture), (x, architecture)
        )
        return logits

    def weights(self, architecture: Architecture) -> dict[str, Tensor]:
        """The weights that the hypernetwork makes for an architecture, by name.

        Args:
            architecture: of `space`.
        """
        made = list(self._generated(architecture))
        device = self.hypernetwork.first.weight.device
        columns = [each for each in made for _ in range(each.channels // BLOCK)]
        condition = torch.full((self._offsets[-1], len(columns)), -1.0, device="cpu")
        for column, each in enumerate(columns):
            condition[list(each.marks), column] = 1.0
        chosen = torch.tensor(architecture.indices + starts(self.space.sizes), device="cpu")
        condition[self._offsets[-2] + chosen] = 1.0
        shape = self.hypernetwork.height, len(columns)
        if self._noise is None:
            noise = torch.randn(shape, device=device)
        else:
            noise = torch.randn(shape, generator=self._noise.manual_seed(0), device="cpu").to(
                device
            )
        blocks = self.hypernetwork(condition.to(device), noise)
        widths = [each.channels // BLOCK for each in made]
        parts = torch.split(blocks, widths, dim=2)
        return {each.name: _weight(part, each) for each, part in zip(made, parts, strict=True)}

    @contextmanager
    def same_noise(self) -> Iterator[None]:
        """Within it, an architecture has the same weights at every call."""
        self._noise = torch.Generator()
        try:
            yield
        finally:
            self._noise = None

    def derive(self, architecture: Architecture, **options: Any) -> nn.Module:
        """The plain network of one architecture with fresh weights; see `CellSupernet.derive`.

        Raises:
            SettingError: `keep_weights`, since those here are of no plain network.
        """
        if options.get("keep_weights"):
            refuse(
                SettingError,
                "keep_weights",
                found="true",
                expected="fresh weights, where a hypernetwork makes those of the search",
                remedy="leave it out",
            )
        return self.net.derive(architecture, **options)

    def cost(self, *arguments: Any, **options: Any) -> Any:
        """What a derived network costs; see `CellSupernet.cost`."""
        return self.net.cost(*arguments, **options)

    def _generated(self, architecture: Architecture) -> Iterator[Generated]:
        """The weights in use, in the order of the network."""
        plans = {cell: decode(architecture, cell) for cell in CELL_TYPES}
        positions = self.net.positions
        operations = self.net.settings.operations
        needed = needed_cells(positions, plans)
        stage = 0
        for index, position in enumerate(positions):
            stage += position.kind == "reduction"
            if not needed[index]:
                continue
            plan, channels = plans[position.kind], position.channels
            where = (None, None, None, None, CELL_TYPES.index(position.kind), stage, index)
            for b, edges in enumerate(plan.nodes):
                for edge in dict.fromkeys(edges):
                    name = f"cells.{index}.edges.{edge_name(b, edge)}"
                    if not isinstance(self.net.get_submodule(name), SeparableConv):
                        continue
                    of_edge = edge.source, operations.index(edge.operation), b
                    for number, suffix in enumerate(POINTWISE):
                        marks = self._marks(*of_edge, number, *where[4:])
                        yield Generated(f"{name}.{suffix}", channels, marks)
            for b in plan.loose_ends:
                marks = self._marks(None, None, b, None, *where[4:])
                yield Generated(f"cells.{index}.output.blocks.{b}", channels, marks)

    def _marks(self, *values: int | None) -> tuple[int, ...]:
        """The positions of the ones: source, operation, node, pointwise, cell, stage, index."""
        return tuple(
            offset + value
            for offset, value in zip(self._offsets, values, strict=False)
            if value is not None
        )


def _weight(part: Tensor, made: Generated) -> Tensor:
    """The weight `(C, C, 1, 1)` in blocks `(64, height, C / 8)`, with the norm 1."""
    count = made.channels // BLOCK
    blocks = part[:, :count].reshape(BLOCK, BLOCK, count, count)  # out, in, row, column
    weight = blocks.permute(2, 0, 3, 1).reshape(made.channels, made.channels, 1, 1)
    unit: Tensor = weight / weight.norm()
    return unit
