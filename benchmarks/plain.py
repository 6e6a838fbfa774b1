"""A plain network of cells, the baseline that the supernet is compared with.

It evaluates one architecture of the cell space at a time, in PyTorch's default memory layout
(contiguous NCHW), the way the space is usually written down: all cells in order, both inputs of a
cell brought to its channels whether a node reads them or not, each edge computed by itself, the
loose ends concatenated and the whole 1x1 weight indexed by them, batch norm with its running
statistics, adaptive pooling to 1x1.

What it deliberately does not do: channels-last memory, sharing of work between edges or
architectures, skipping of cells and inputs that lead nowhere, slicing of the weight in place of
indexing. Nothing is added to make it slow: every operation is PyTorch's own module for it.

It is written from the definition of the space and shares no code with `pdas.nn`, so that it is also
the reference for outputs, gradients and numbers of weights. `to_plain` alone knows how the
supernet names its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OPERATIONS = ("identity", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
Choice = tuple[int, str]  # (source, operation)


class PlainNetwork(nn.Module):
    """Stem, 3 stages of `cells_per_stage` normal cells with a reduction cell in between, linear."""

    def __init__(
        self,
        nodes: int = 5,
        cells_per_stage: int = 2,
        channels: int = 16,
        operations: Sequence[str] = OPERATIONS,
        in_channels: int = 3,
        classes: int = 10,
    ) -> None:
        super().__init__()
        self.nodes = nodes
        kinds = (["normal"] * cells_per_stage + ["reduction"]) * 3
        self.kinds = kinds[:-1]
        stem = 3 * channels
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, stem, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem, affine=False),
        )
        self.cells = nn.ModuleList()
        prev_prev, prev, previous_kind = stem, stem, "normal"
        for kind in self.kinds:
            if kind == "reduction":
                channels *= 2
            self.cells.append(
                PlainCell(
                    (prev_prev, prev),
                    channels,
                    kind == "reduction",
                    previous_kind == "reduction",
                    nodes,
                    operations,
                )
            )
            prev_prev, prev, previous_kind = prev, channels, kind
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor, architecture: Mapping[str, object]) -> Tensor:
        """Logits `(N, classes)` of images `(N, in_channels, H, W)`."""
        choices = {kind: read_cell(architecture, kind, self.nodes) for kind in set(self.kinds)}
        prev_prev = prev = self.stem(x)
        for kind, cell in zip(self.kinds, self.cells, strict=True):
            prev_prev, prev = prev, cell(prev_prev, prev, choices[kind])
        out: Tensor = self.classifier(self.pool(prev).flatten(1))
        return out


class PlainCell(nn.Module):
    """A cell with one set of weights for each (node, source, operation)."""

    def __init__(
        self,
        in_channels: tuple[int, int],
        channels: int,
        reduction: bool,
        previous_reduction: bool,
        nodes: int,
        operations: Sequence[str],
    ) -> None:
        super().__init__()
        self.channels = channels
        first = PlainFactorisedReduction if previous_reduction else relu_conv_norm
        self.inputs = nn.ModuleList(
            [first(in_channels[0], channels), relu_conv_norm(in_channels[1], channels)]
        )
        self.edges = nn.ModuleDict()
        for node in range(nodes):
            for source in range(node + 2):
                stride = 2 if reduction and source < 2 else 1
                for name in operations:
                    self.edges[f"node{node}_from{source}_{name}"] = operation(
                        name, channels, stride
                    )
        self.output = nn.Conv2d(nodes * channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=False)

    def forward(
        self, prev_prev: Tensor, prev: Tensor, choices: Sequence[tuple[Choice, Choice]]
    ) -> Tensor:
        """The cell's output for the two choices of every node."""
        states = [self.inputs[0](prev_prev), self.inputs[1](prev)]
        used = set()
        for node, ((source1, name1), (source2, name2)) in enumerate(choices):
            h1 = self.edges[f"node{node}_from{source1}_{name1}"](states[source1])
            h2 = self.edges[f"node{node}_from{source2}_{name2}"](states[source2])
            states.append(h1 + h2)
            used |= {source1, source2}
        loose = [state for state in range(2, len(states)) if state not in used]
        x = F.relu(torch.cat([states[state] for state in loose], dim=1))
        index = torch.cat(
            [torch.arange(self.channels) + (state - 2) * self.channels for state in loose]
        )
        out: Tensor = self.norm(F.conv2d(x, self.output.weight.index_select(1, index)))
        return out


def relu_conv_norm(in_channels: int, channels: int) -> nn.Module:
    """ReLU, 1x1 convolution, batch norm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(in_channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=False),
    )


class PlainFactorisedReduction(nn.Module):
    """ReLU, two strided 1x1 convolutions of which the second sees the map shifted by one."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(in_channels, channels - channels // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(in_channels, channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in, H, W) -> (N, channels, ceil(H/2), ceil(W/2))`."""
        x = self.relu(x)
        padded = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        out: Tensor = self.norm(torch.cat([self.even(x), self.odd(padded[:, :, 1:, 1:])], dim=1))
        return out


def separable(channels: int, kernel: int, stride: int) -> nn.Module:
    """Twice: ReLU, depthwise and pointwise convolution, batch norm."""

    def once(stride: int) -> list[nn.Module]:
        return [
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, affine=False),
        ]

    return nn.Sequential(*once(stride), *once(1))


def operation(name: str, channels: int, stride: int) -> nn.Module:
    """The module of an operation."""
    if name == "identity":
        return nn.Identity() if stride == 1 else PlainFactorisedReduction(channels, channels)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    return separable(channels, {"sep_conv_3x3": 3, "sep_conv_5x5": 5}[name], stride)


def read_cell(
    architecture: Mapping[str, object], kind: str, nodes: int
) -> list[tuple[Choice, Choice]]:
    """The two (source, operation) of every node; sources count `prev_prev`, `prev`, node 1 ..."""
    sources = ["prev_prev", "prev", *(f"node{node}" for node in range(1, nodes))]
    return [
        tuple(  # type: ignore[misc]
            (
                sources.index(str(architecture[f"{kind}/node{node}/in{slot}"])),
                str(architecture[f"{kind}/node{node}/op{slot}"]),
            )
            for slot in (1, 2)
        )
        for node in range(1, nodes + 1)
    ]


def to_plain(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights, or gradients, of a `CellSupernet` under the names that they have here.

    Names agree but for the output of a cell, whose weight the supernet keeps in a block per node.
    """
    blocks: dict[str, list[Tensor]] = {}
    plain: dict[str, Tensor] = {}
    for name, value in named.items():
        cell, separator, _ = name.partition(".output.blocks.")
        if separator:  # in the order of the nodes
            blocks.setdefault(f"{cell}.output.weight", []).append(value)
        else:
            plain[name] = value
    return plain | {name: torch.cat(parts, dim=1) for name, parts in blocks.items()}


def load_from(plain: PlainNetwork, supernet: nn.Module) -> None:
    """Copy the supernet's weights into a plain network of the same settings."""
    weights = to_plain(dict(supernet.named_parameters()))
    assert weights.keys() == dict(plain.named_parameters()).keys()
    plain.load_state_dict(weights, strict=False)
