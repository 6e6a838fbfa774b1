"""The derived network of one architecture: plain modules, nothing of the search left in it.

It has affine batch norm, drop path on every path but identities, and, where asked for, an auxiliary
classifier on the output of the second reduction cell (paper, section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.space import Architecture, as_labels
from pdas.spaces.cells.layout import (
    Position,
    auxiliary_cell,
    check_image_size,
    layout,
    needed_cells,
)
from pdas.spaces.cells.operations import (
    OPERATIONS,
    FactorisedReduction,
    Identity,
    Norm,
    ReLUConvNorm,
    SeparableConv,
    affine_batch_norm,
    times,
)
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import CELL_TYPES, CellPlan, Edge, decode
from pdas.spaces.memory_format import Formatted

_JOINING = 1  # the place of the convolution in the block that joins the loose ends of a cell


# Elsewhere depthwise convolutions of channels-last maps may take many times longer:
# https://github.com/pytorch/pytorch/issues/34977
FORMATS = MappingProxyType({"cpu": torch.channels_last})
"""The memory format of cells by the type of the device; channels first on all others."""


class CellNetwork(Formatted):
    """The network of one architecture.

    Args:
        architecture: of the cell space, or its labels.
        settings: the size.
        auxiliary: whether it has an auxiliary classifier, for training.

    Attributes:
        architecture: its labels.
        settings: the size.
        drop_path: rate in [0, 1) at which a path is dropped from a sample in training; 0 at first.

    Example:
        network = CellNetwork(architecture, CellSettings(cells_per_stage=6, channels=36))
        logits = network(images)
    """

    formats = FORMATS

    def __init__(
        self,
        architecture: Architecture | Mapping[str, object],
        settings: CellSettings,
        *,
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        self.architecture = as_labels(architecture)
        self.settings = settings
        self.plans = {cell: decode(architecture, cell) for cell in CELL_TYPES}
        self.positions = layout(settings)
        self.needed = needed_cells(self.positions, self.plans)
        self.drop_path = 0.0
        self.stem = stem(settings, affine_batch_norm)
        self.cells = nn.ModuleList(
            DerivedCell(position, self.plans[position.kind]) if needed else nn.Identity()
            for position, needed in zip(self.positions, self.needed, strict=True)
        )
        self.classifier = nn.Linear(settings.out_channels, settings.classes)
        self._paths = sum(cell.paths for cell in self.cells if isinstance(cell, DerivedCell))
        self._auxiliary_cell = auxiliary_cell(self.positions, self.needed)
        self.auxiliary = (
            AuxiliaryHead(settings.out_channels, settings.classes) if auxiliary else None
        )
        self.use_format()

    def forward(self, x: Tensor) -> Tensor:
        """The logits.

        Args:
            x: images `(N, in_channels, H, W)`, H and W at least 8 times the stride of the stem.

        Returns:
            `(N, classes)`.

        Raises:
            SettingError: the images are too small.
        """
        return self._forward(x)[0]

    def forward_with_auxiliary(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The logits and those of the auxiliary classifier, which the network must have.

        Args:
            x: images `(N, in_channels, H, W)`, H and W at least 8 times the stride of the stem.

        Returns:
            Twice `(N, classes)`.
        """
        assert self.auxiliary is not None
        logits, features = self._forward(x)
        return logits, self.auxiliary(features)

    def inherited(
        self, parent: Architecture | Mapping[str, object], weights: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """The weights of another architecture's network of this size, in the form of this one.

        A cell joins its loose ends by one weight, which is taken node by node.

        Args:
            parent: the other architecture.
            weights: of its network, by name.

        Returns:
            Weights by name. Of the nodes that are loose ends here only, they are this network's.
        """
        joined = {}
        for index, cell in enumerate(self.cells):
            name = f"cells.{index}.output.{_JOINING}.weight"
            if isinstance(cell, DerivedCell) and name in weights:
                plan = decode(as_labels(parent), self.positions[index].kind)
                joined[name] = cell.joined(plan.loose_ends, weights[name])
        return {**weights, **joined}

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The logits, and what the auxiliary classifier reads."""
        check_image_size(min(x.shape[-2:]), self.settings.stem_stride)
        kept = iter(draw_kept(self._paths, x, self.drop_path if self.training else 0.0))
        prev_prev = prev = self.stem(self.formatted(x))
        features = prev
        for index, cell in enumerate(self.cells):
            # A cell that nothing needs leaves a value that nothing reads.
            out = cell(prev_prev, prev, kept) if self.needed[index] else prev
            prev_prev, prev = prev, out
            if index == self._auxiliary_cell:
                features = out
        return self.classifier(prev.mean((2, 3))), features


class DerivedCell(nn.Module):
    """One cell with just the inputs and edges of its plan.

    Args:
        position: where it is in the network.
        plan: what it computes.

    Attributes:
        paths: how many may be dropped; all but identities.

    Example:
        DerivedCell(position, plan)(prev_prev, prev, iter(()))
    """

    def __init__(self, position: Position, plan: CellPlan) -> None:
        super().__init__()
        channels = position.channels
        self.plan = plan
        self.inputs = nn.ModuleDict(
            {
                str(s): input_block(position, s, affine_batch_norm)
                for s in (0, 1)
                if s in plan.sources
            }
        )
        self.edges = nn.ModuleDict(
            {
                edge_name(b, edge): OPERATIONS[edge.operation](
                    channels, position.stride(edge.source), affine_batch_norm
                )
                for b, edges in enumerate(plan.nodes)
                for edge in dict.fromkeys(edges)
            }
        )
        self.output = ReLUConvNorm(len(plan.loose_ends) * channels, channels, affine_batch_norm)
        self.paths = sum(
            not self._is_spared(b, edge) for b, edges in enumerate(plan.nodes) for edge in edges
        )

    def forward(self, prev_prev: Tensor, prev: Tensor, kept: Iterator[Tensor]) -> Tensor:
        """The output of the cell.

        Args:
            prev_prev: the output of the cell before the previous one, `(N, C, H, W)`.
            prev: that of the previous cell.
            kept: of `draw_kept`, one for each of the `paths`; none where nothing is dropped.

        Returns:
            `(N, channels, H', W')`; H' and W' are halved by a reduction cell.
        """
        values = [prev_prev, prev]  # and then the outputs of the nodes, numbered as sources
        for source, block in self.inputs.items():
            values[int(source)] = block(values[int(source)])
        for b, (first, second) in enumerate(self.plan.nodes):
            factors = self._factor(b, first, kept), self._factor(b, second, kept)
            if first == second:  # one module, which is called once
                out = self._edge(b, first, values, None)
                h1, h2 = (times(out, factor) for factor in factors)
            else:
                h1 = self._edge(b, first, values, factors[0])
                h2 = self._edge(b, second, values, factors[1])
            values.append(h1 + h2)
        return self.output.side_by_side([values[b + 2] for b in self.plan.loose_ends])

    @torch.no_grad()
    def joined(self, loose_ends: Sequence[int], weight: Tensor) -> Tensor:
        """The weight that joins the loose ends, with what a weight of other ones has of them.

        Args:
            loose_ends: nodes, from 0, that `weight` joins.
            weight: `(channels, len(loose_ends) * channels, 1, 1)`.

        Returns:
            The shape of the own weight.
        """
        own = self.output[_JOINING].weight
        assert isinstance(own, Tensor)
        joined, ends = own.clone(), self.plan.loose_ends
        known = dict(zip(loose_ends, weight.chunk(len(loose_ends), dim=1), strict=True))
        for node, part in zip(ends, joined.chunk(len(ends), dim=1), strict=True):
            if node in known:
                part.copy_(known[node])
        return joined

    def _edge(self, b: int, edge: Edge, values: list[Tensor], factor: Tensor | None) -> Tensor:
        """The operation of an edge into node b, applied to its source, times the factor."""
        operation, x = self.edges[edge_name(b, edge)], values[edge.source]
        if isinstance(operation, SeparableConv | FactorisedReduction):
            out: Tensor = operation(x, factor)  # which spares a pass over the map
            return out
        return times(operation(x), factor)

    def _is_spared(self, b: int, edge: Edge) -> bool:
        """Whether the edge is an identity, which is never dropped."""
        return isinstance(self.edges[edge_name(b, edge)], Identity)

    def _factor(self, b: int, edge: Edge, kept: Iterator[Tensor]) -> Tensor | None:
        """The factor of drop path; None where it is off and of an identity."""
        return None if self._is_spared(b, edge) else next(kept, None)


# Not traced by torch.compile, which would compile the network anew for every rate, and would draw
# other numbers.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def draw_kept(paths: int, x: Tensor, rate: float) -> list[Tensor]:
    """Drop path: for each path and sample 0 with a probability, and else 1 / (1 - it).

    Larsson et al., "FractalNet", ICLR 2017, as NASNet uses it: for each path and sample by itself.
    Multiplied by these, the output of a path keeps its mean.

    Args:
        paths: how many there are.
        x: of their dtype and device, with the samples `(N, ...)`.
        rate: the probability, in [0, 1).

    Returns:
        For each path `(N, 1, 1, 1)`; none at the rate 0.
    """
    if rate == 0:
        return []
    shape = x.shape[0], 1, 1, 1
    return [x.new_empty(shape).bernoulli_(1 - rate).div_(1 - rate) for _ in range(paths)]


class AuxiliaryHead(nn.Module):
    """Auxiliary classifier; maps below 8x8 are pooled adaptively to 2x2 (paper, section 4.1).

    Args:
        in_channels: of the map that it reads.
        classes: outputs.

    Example:
        AuxiliaryHead(64, classes=10)(features)
    """

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The logits.

        Args:
            x: a map `(N, in_channels, H, W)`.

        Returns:
            `(N, classes)`.
        """
        x = F.relu(x)
        x = _halves(x) if min(x.shape[-2:]) < 8 else F.avg_pool2d(x, 5, 3)
        out: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return out


def _halves(x: Tensor) -> Tensor:
    """`F.adaptive_avg_pool2d(x, 2)`, whose gradient differs from run to run on GPUs."""
    sides = x.shape[-2:]
    pooled = F.avg_pool2d(x, [(n + 1) // 2 for n in sides], [max(n // 2, 1) for n in sides])
    return pooled.expand(-1, -1, 2, 2)


def stem(settings: CellSettings, norm: Norm) -> nn.Sequential:
    """3x3 convolution to 3C channels and normalisation; at stride 4 two, with a ReLU in between.

    The stem of stride 4 is that of DARTS on ImageNet: to C / 2 channels, and then to C.

    Args:
        settings: the size of the network.
        norm: the normalisation of a number of channels.
    """
    layers: list[nn.Module] = []
    for source, channels, stride in settings.stem_convolutions:
        if layers:
            layers.append(nn.ReLU(inplace=True))
        layers.append(nn.Conv2d(source, channels, 3, stride, padding=1, bias=False))
        layers.append(norm(channels))
    return nn.Sequential(*layers)


def input_block(position: Position, source: int, norm: Norm) -> nn.Module:
    """Brings an input of a cell to the cell's channels and, where it is larger, to its size.

    Args:
        position: of the cell.
        source: 0 or 1.
        norm: the normalisation of a number of channels.
    """
    block = FactorisedReduction if source == 0 and position.halve_prev_prev else ReLUConvNorm
    return block(position.in_channels[source], position.channels, norm)


def edge_name(b: int, edge: Edge) -> str:
    """Name of the module of an edge.

    Args:
        b: the node, from 0, that the edge leads to.
        edge: into that node.
    """
    return f"node{b}_from{edge.source}_{edge.operation}"
