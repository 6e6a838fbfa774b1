"""The supernet of cells: one set of weights for each (cell, node, source, operation).

A forward pass computes only what its architectures use. Cells, inputs and edges that do not lead to
the output are skipped; what two edges or two architectures have in common is computed once.
On CPUs everything is channels-last in memory, the format in which depthwise convolutions, pooling
and batch norm are fast there. Unused weights get no gradient, so that the optimizer leaves them as
they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn
from typing_extensions import Unpack

from pdas.cost import Cost, FunctionCost
from pdas.cost.base import Quantity
from pdas.cost.table import CostTable
from pdas.kernels import WithKernels
from pdas.kernels.conditions import serves
from pdas.nn.costs import table_cost
from pdas.nn.counting.latency import Measuring, latency
from pdas.nn.mixing.relaxation import Kind, Relaxation
from pdas.nn.quantities import check_quantity, image_size
from pdas.space import Architecture, check_architecture
from pdas.spaces.cells.layout import Position, check_image_size, layout, needed_cells
from pdas.spaces.cells.mixture import CellMixture, CellRelaxation, EdgeRelaxation, mixed_cell
from pdas.spaces.cells.network import FORMATS, CellNetwork, stem
from pdas.spaces.cells.operations import batch_statistics, operations_with_weights
from pdas.spaces.cells.search_cell import CellMemo, SearchCell
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.size import count_multiply_adds, count_weights
from pdas.spaces.cells.space import CELL_TYPES, cell_space, decode
from pdas.spaces.memory_format import Formatted
from pdas.support.arrays import BoolArray
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import validated


class CellSupernet(Formatted, WithKernels):
    """All architectures of the cell space in one module (paper, section 4.1).

    Batch norm uses the statistics of the current batch, in training and in evaluation, and keeps
    none.

    Args:
        settings: those of `CellSettings`, by name; all are optional.

    Attributes:
        settings: the same, complete.
        space: of `cell_space`.

    Raises:
        SettingError: a setting is unknown or out of range.

    Example:
        net = CellSupernet(nodes=3, channels=8, in_channels=1)
        logits = net(torch.rand(2, 1, 28, 28), net.space.uniform(np.random.default_rng(0)))
    """

    formats = FORMATS

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = validated(CellSettings, settings, "network")
        self.space = cell_space(self.settings.nodes, self.settings.operations)
        self.positions = layout(self.settings)
        self.stem = stem(self.settings, batch_statistics)
        self.cells = nn.ModuleList(SearchCell(p, self.settings) for p in self.positions)
        self.classifier = nn.Linear(self.settings.out_channels, self.settings.classes)
        self.use_format()

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        """The logits of one architecture.

        Args:
            x: images `(N, in_channels, H, W)`, H and W at least 8 times the stride of the stem.
            architecture: of `space`.

        Returns:
            Logits `(N, classes)`.

        Raises:
            SettingError: the images are too small.
            SpaceError: the architecture is of another space.
        """
        return self.forward_many(x, [architecture])[0]

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        """The logits of several architectures on the same images; see `forward`.

        Args:
            x: images `(N, in_channels, H, W)`.
            architectures: each of `space`.

        Returns:
            For each architecture `(N, classes)`.
        """
        check_image_size(min(x.shape[-2:]), self.settings.stem_stride)
        for architecture in architectures:
            check_architecture("architecture", architecture, self.space)
        x = self.stem(self.formatted(x))
        own_relus = self.use_kernels and serves(x)
        x = CellMemo(own_relus).relu(x)
        routes = [_Route(self.positions, architecture, x) for architecture in architectures]
        for index, cell in enumerate(self.cells):
            memo = CellMemo(own_relus)
            for route in routes:
                route.advance(index, cell, memo)
        return [self.classifier(route.out.mean((2, 3))) for route in routes]

    def with_weights(self) -> list[BoolArray]:
        """Which operations have weights at stride 1; see `pdas.nn.protocols.WeighedSupernet`."""
        operations = operations_with_weights()
        return [
            np.array([operations.get(str(label), True) for label in self.space[name]])
            for name in self.space
        ]

    def relaxation(self, kind: Kind = "variables") -> Relaxation:
        """The relaxation of the space; see `pdas.spaces.cells.mixture`.

        Args:
            kind: "edges", with `none` as in DARTS, or "variables".
        """
        return EdgeRelaxation(self.space) if kind == "edges" else CellRelaxation(self.space)

    def forward_mixed(self, x: Tensor, *, coefficients: Mapping[str, CellMixture]) -> Tensor:
        """The logits of a mixture of all operations and inputs.

        Args:
            x: images `(N, in_channels, H, W)`.
            coefficients: of each kind of cell; see `relaxation`.

        Returns:
            Logits `(N, classes)`.
        """
        check_image_size(min(x.shape[-2:]), self.settings.stem_stride)
        prev = prev_prev = self.stem(self.formatted(x))
        own_relus = self.use_kernels and serves(prev)
        for position, cell in zip(self.positions, self.cells, strict=True):
            assert isinstance(cell, SearchCell)
            memo = CellMemo(own_relus)
            out = mixed_cell(cell, prev_prev, prev, coefficients[position.kind], memo)
            prev_prev, prev = prev, out
        logits: Tensor = self.classifier(prev.mean((2, 3)))
        return logits

    def with_hypernetwork(self) -> nn.Module:
        """A supernet of the same space, of which a hypernetwork makes many weights.

        Raises:
            SettingError: `channels` is no multiple of the blocks that it makes.
        """
        from pdas.spaces.cells.hypernetwork import HyperCellSupernet

        return HyperCellSupernet(self)

    def derive(
        self,
        architecture: Architecture,
        *,
        cells_per_stage: int | None = None,
        channels: int | None = None,
        auxiliary: bool = False,
        keep_weights: bool = False,
    ) -> CellNetwork:
        """The plain network of one architecture: affine batch norm and nothing unused.

        Args:
            architecture: of `space`.
            cells_per_stage: of the derived network; default that of the supernet.
            channels: likewise.
            auxiliary: whether it has the auxiliary classifier.
            keep_weights: copy the supernet's weights instead of drawing fresh ones.

        Raises:
            SettingError: a size is out of range, or weights are kept at another size.
            SpaceError: the architecture is of another space.
        """
        size = {"cells_per_stage": cells_per_stage, "channels": channels}
        changes = {name: value for name, value in size.items() if value is not None}
        settings = validated(CellSettings, self.settings.model_dump() | changes, "network")
        check_architecture("architecture", architecture, self.space)
        network = CellNetwork(architecture, settings, auxiliary=auxiliary)
        network.to(self.classifier.weight)  # device and precision
        if keep_weights:
            self._check_own_size(settings)
            self._copy_weights(network)
        return network

    def cost(
        self,
        quantity: Quantity | CostTable,
        x: Tensor | None = None,
        **measuring: Unpack[Measuring],
    ) -> Cost:
        """What the derived network of an architecture costs, at the supernet's own size.

        The auxiliary classifier is not counted. But for a latency nothing is run except, once,
        every operation on a map without memory.

        Args:
            quantity: "parameters"; "multiply_adds" of convolutions and the classifier for one
                image; "latency" in milliseconds of one call on the images, measured now; or a
                table of numbers by variable and label.
            x: example images `(N, in_channels, H, W)`. For multiply-adds only H and W count.
            measuring: of a latency, see `pdas.nn.counting.latency.latency`.

        Raises:
            SettingError: the quantity or the images are not as said, or these are too small.
            SpaceError: the table does not fit the space.
        """
        if isinstance(quantity, Mapping):
            return table_cost(self, quantity)
        check_quantity(quantity, measuring)
        channels = self.settings.in_channels
        if quantity == "parameters":
            if x is not None:  # checked all the same
                image_size(x, channels)
            return FunctionCost(self.space, partial(count_weights, settings=self.settings))
        size = image_size(x, channels, quantity)
        check_image_size(min(size), self.settings.stem_stride)
        if quantity == "latency":
            return latency(self, x, **measuring)
        count = partial(count_multiply_adds, settings=self.settings, size=size)
        return FunctionCost(self.space, count)

    def _check_own_size(self, settings: CellSettings) -> None:
        """Raise `SettingError` if the weights are of another size."""
        own = self.settings
        if settings != own:
            refuse(
                SettingError,
                "keep_weights",
                found=f"a network of {settings.cells_per_stage} cells a stage and "
                f"{settings.channels} channels",
                expected=f"the supernet's {own.cells_per_stage} and {own.channels}",
                remedy="leave both out",
            )

    def _copy_weights(self, network: CellNetwork) -> None:
        """Copy the weights that the network has, too; only those of `output` are put together."""
        weights = self.state_dict()
        for index, (position, needed) in enumerate(
            zip(network.positions, network.needed, strict=True)
        ):
            if needed:
                cell = self.cells[index]
                assert isinstance(cell, SearchCell)
                ends = network.plans[position.kind].loose_ends
                weights[f"cells.{index}.output.1.weight"] = cell.output.weight(ends).detach()
        own = network.state_dict()
        network.load_state_dict({name: weights.get(name, value) for name, value in own.items()})


class _Route:
    """One architecture's way through the cells: the last output, and the last two after ReLU."""

    def __init__(
        self, positions: Sequence[Position], architecture: Architecture, stem: Tensor
    ) -> None:
        self._plans = {cell: decode(architecture, cell) for cell in CELL_TYPES}
        self._positions = positions
        self._needed = needed_cells(positions, self._plans)
        self._prev_prev = self._prev = self.out = stem

    def advance(self, index: int, cell: nn.Module, memo: CellMemo) -> None:
        """Go through one cell; one that nothing needs leaves a value that nothing reads."""
        following = self._prev
        if self._needed[index]:
            plan = self._plans[self._positions[index].kind]
            self.out = cell(self._prev_prev, self._prev, plan, memo)
            following = memo.relu(self.out)
        self._prev_prev, self._prev = self._prev, following
