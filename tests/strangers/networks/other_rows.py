"""Models of PyTorch Geometric and of diffusers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pdas.nn import Choice, Conv2d, GroupNorm, Linear, OptionalLayer, Value, with_widths
from tests.strangers.networks.row import Inputs, row


def graph() -> Inputs:
    """Twelve nodes in a ring with chords, eight features each."""
    nodes = torch.arange(12)
    edges = torch.stack([nodes.repeat(2), torch.cat([(nodes + 1) % 12, (nodes + 5) % 12])])
    return Inputs((torch.randn(12, 8), edges))


def graph_network(name: str, **settings: Any) -> Any:
    def make() -> nn.Module:
        import torch_geometric.nn

        made: nn.Module = getattr(torch_geometric.nn, name)(8, 16, 3, 4, **settings)
        return made

    return make


@row(
    "GCN",
    "activation, and kind of the middle layer",
    package="torch_geometric",
    make=graph_network("GCN"),
    inputs=graph,
    full={"activation": "relu", "middle": "gcn"},
    without={"loading": "the second kind of layer is no part of the plain model"},
)
def gcn_layers(model: Any) -> None:
    from torch_geometric.nn import GraphConv

    model.convs[1] = Choice("middle", {"gcn": model.convs[1], "sum": GraphConv(16, 16)})
    model.act = Choice("activation", {"relu": model.act, "elu": nn.ELU()})


@row(
    "GAT",
    "layers that are skipped",
    package="torch_geometric",
    make=graph_network("GAT", heads=2),
    inputs=graph,
)
def gat_layers(model: Any) -> None:
    model.convs[1] = OptionalLayer("middle", model.convs[1])


@row(
    "GraphSAGE",
    "widths of the layers inside",
    package="torch_geometric",
    make=graph_network("GraphSAGE"),
    inputs=graph,
)
def sage_widths(model: Any) -> None:
    first, second = Value("first", [4, 16]), Value("second", [4, 8, 16])
    for number, conv in enumerate(model.convs):
        before, after = [8, first, second, 4][number : number + 2]
        sizes = {"in_channels": before, "out_channels": after}
        conv.lin_l = with_widths(conv.lin_l, {"weight": [after, before], "bias": [after]}, sizes)
        conv.lin_r = with_widths(conv.lin_r, {"weight": [after, before]}, sizes)


def noisy_images() -> Inputs:
    return Inputs((torch.randn(2, 3, 16, 16), torch.tensor([3, 7])))


def unet() -> nn.Module:
    from diffusers import UNet2DModel

    made: nn.Module = UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
    )
    return made


@row(
    "UNet2DModel",
    "inner width of each residual block",
    package="diffusers",
    make=unet,
    inputs=noisy_images,
)
def unet_inner(model: Any) -> None:
    for name, block in model.named_modules():
        if type(block).__name__ == "ResnetBlock2D":
            c = block.conv1.out_channels
            w = Value(f"{name} width", [c // 2, c])
            block.conv1 = Conv2d.of(block.conv1, out_channels=w)
            block.time_emb_proj = Linear.of(block.time_emb_proj, out_features=w)
            block.norm2 = GroupNorm.of(block.norm2, num_channels=w)
            block.conv2 = Conv2d.of(block.conv2, in_channels=w)
