"""Transformers of torchvision."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn import Linear, MultiheadAttention, Repeat, Value
from tests.strangers.networks.row import images, row


def small_vit() -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(32, 8, num_layers=3, num_heads=4, hidden_dim=16, mlp_dim=32)


@row(
    "VisionTransformer, small",
    "blocks, and heads and hidden width of each",
    package="torchvision",
    make=small_vit,
    inputs=images(),
    quick=True,
)
def vit_depth_heads_and_hidden(model: Any) -> None:
    for number, layer in enumerate(model.encoder.layers):
        w = Value(f"hidden {number}", [8, 16, 32])
        layer.mlp[0] = Linear.of(layer.mlp[0], out_features=w)
        layer.mlp[3] = Linear.of(layer.mlp[3], in_features=w)
        heads = Value(f"heads {number}", [1, 2, 4])
        layer.self_attention = MultiheadAttention.of(layer.self_attention, heads=heads)
    model.encoder.layers = Repeat("depth", model.encoder.layers, [1, 2, 3])


def small_swin() -> nn.Module:
    from torchvision.models import SwinTransformer

    return SwinTransformer([2, 2], 16, [2, 2], [2, 4], [4, 4], num_classes=10)


@row(
    "SwinTransformer, small",
    "blocks of each stage, and their hidden widths",
    package="torchvision",
    make=small_swin,
    inputs=images(),
)
def swin_depth_and_hidden(model: Any) -> None:
    for number in [1, 3]:
        for block in model.features[number]:
            c = block.mlp[0].out_features
            w = Value(f"hidden {number}", [c // 2, c])
            block.mlp[0] = Linear.of(block.mlp[0], out_features=w)
            block.mlp[3] = Linear.of(block.mlp[3], in_features=w)
        model.features[number] = Repeat(f"depth {number}", model.features[number])
