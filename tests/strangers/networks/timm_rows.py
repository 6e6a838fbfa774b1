"""Models of timm."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from torch import nn

from pdas.nn import Choice, Conv2d, Linear, OptionalLayer, Repeat, Value, with_widths
from tests.strangers.networks.row import images, row


def model(name: str, **settings: Any) -> Callable[[], nn.Module]:
    """The function that makes a model, for ten classes."""

    def make() -> nn.Module:
        import timm

        made: nn.Module = timm.create_model(name, num_classes=10, **settings)
        return made

    return make


@row(
    "vit_tiny_patch16_224, 3 blocks",
    "blocks, and hidden width of each",
    package="timm",
    make=model("vit_tiny_patch16_224", img_size=32, depth=3),
    inputs=images(),
)
def timm_vit_depth_and_hidden(model: Any) -> None:
    for number, block in enumerate(model.blocks):
        w = Value(f"hidden {number}", [192, 384, 768])
        block.mlp.fc1 = Linear.of(block.mlp.fc1, out_features=w)
        block.mlp.fc2 = Linear.of(block.mlp.fc2, in_features=w)
    model.blocks = Repeat("depth", model.blocks)


def small_mixer() -> nn.Module:
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(10, 64, patch_size=16, num_blocks=2, embed_dim=32)


@row(
    "MlpMixer, small",
    "widths of both mixers in each block",
    package="timm",
    make=small_mixer,
    inputs=images(64),
    quick=True,
)
def mixer_widths(model: Any) -> None:
    for number, block in enumerate(model.blocks):
        for name in ["mlp_tokens", "mlp_channels"]:
            mlp = getattr(block, name)
            c = mlp.fc1.out_features
            w = Value(f"{name} {number}", [c // 4, c // 2, c])
            mlp.fc1 = Linear.of(mlp.fc1, out_features=w)
            mlp.fc2 = Linear.of(mlp.fc2, in_features=w)


@row(
    "efficientnet_b0",
    "blocks of each stage",
    package="timm",
    make=model("efficientnet_b0"),
    inputs=images(),
)
def efficientnet_depth(model: Any) -> None:
    for number, stage in enumerate(model.blocks):
        if len(stage) > 1:
            model.blocks[number] = Repeat(f"depth {number}", stage)


@row(
    "mobilenetv3_small_050",
    "whether each block has squeeze-and-excitation",
    package="timm",
    make=model("mobilenetv3_small_050"),
    inputs=images(),
)
def timm_mobilenet_squeeze(model: Any) -> None:
    for i, stage in enumerate(model.blocks):
        for j, block in enumerate(stage):
            if hasattr(block, "conv_dw") and hasattr(block.se, "conv_reduce"):
                block.se = OptionalLayer(f"se {i}.{j}", block.se)


@row(
    "efficientnet_b0",
    "expansion of each block, with norms that are of timm",
    package="timm",
    make=model("efficientnet_b0"),
    inputs=images(),
)
def timm_efficientnet_expansion(model: Any) -> None:
    blocks = [block for stage in model.blocks[1:] for block in stage]
    for number, block in enumerate(blocks):
        c = block.conv_pw.out_channels
        w = Value(f"expansion {number}", [c // 2, c])
        block.conv_pw = Conv2d.of(block.conv_pw, out_channels=w)
        block.conv_dw = Conv2d.of(block.conv_dw, in_channels=w, out_channels=w, groups=w)
        norm = {name: [w] for name in ["weight", "bias", "running_mean", "running_var"]}
        block.bn1 = with_widths(block.bn1, norm, {"num_features": w})
        block.bn2 = with_widths(block.bn2, norm, {"num_features": w})
        block.se.conv_reduce = Conv2d.of(block.se.conv_reduce, in_channels=w)
        block.se.conv_expand = Conv2d.of(block.se.conv_expand, out_channels=w)
        block.conv_pwl = Conv2d.of(block.conv_pwl, in_channels=w)


@row(
    "regnetx_002",
    "blocks of each stage",
    package="timm",
    make=model("regnetx_002"),
    inputs=images(),
)
def regnet_depth(model: Any) -> None:
    for name in ["s3", "s4"]:
        blocks = nn.Sequential(OrderedDict(getattr(model, name).named_children()))
        setattr(model, name, Repeat(name, blocks, [1, 2, len(blocks)]))


@row(
    "resnet10t",
    "activation of each block",
    package="timm",
    make=model("resnet10t"),
    inputs=images(),
    full={f"layer{i}": "relu" for i in [1, 2, 3, 4]},
)
def timm_resnet_activation(model: Any) -> None:
    for name in ["layer1", "layer2", "layer3", "layer4"]:
        for block in getattr(model, name):
            block.act1 = Choice(name, {"relu": block.act1, "silu": nn.SiLU()})


@row(
    "convnext_atto",
    "which blocks are kept",
    package="timm",
    make=model("convnext_atto"),
    inputs=images(64),
)
def timm_convnext_blocks(model: Any) -> None:
    for i, stage in enumerate(model.stages):
        for j, block in enumerate(stage.blocks):
            stage.blocks[j] = OptionalLayer(f"block {i}.{j}", block)
