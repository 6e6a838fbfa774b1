"""Convolutional networks of torchvision."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pdas.nn import (
    BatchNorm2d,
    BatchNorm3d,
    Conv2d,
    Conv3d,
    Linear,
    OptionalLayer,
    Repeat,
    Value,
)
from tests.strangers.networks.row import Inputs, images, row


def model(name: str, **settings: Any) -> Any:
    """The function that makes a model, for ten classes."""

    def make() -> nn.Module:
        import torchvision

        return torchvision.models.get_model(name, num_classes=10, **settings)

    return make


def small_convnext() -> nn.Module:
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    return ConvNeXt([CNBlockConfig(16, 32, 2), CNBlockConfig(32, None, 3)], num_classes=10)


@row(
    "resnet18",
    "blocks of each stage",
    package="torchvision",
    make=model("resnet18"),
    inputs=images(),
    quick=True,
)
def resnet18_depth(model: Any) -> None:
    for stage in ["layer1", "layer2", "layer3", "layer4"]:
        setattr(model, stage, Repeat(stage, getattr(model, stage), [1, 2]))


@row(
    "resnet18",
    "inner width of each block",
    package="torchvision",
    make=model("resnet18"),
    inputs=images(),
)
def resnet18_width(model: Any) -> None:
    for stage in [model.layer1, model.layer2, model.layer3, model.layer4]:
        for number, block in enumerate(stage):
            c = block.conv1.out_channels
            w = Value(f"width {c}, {number}", [c // 4, c // 2, c])
            block.conv1 = Conv2d.of(block.conv1, out_channels=w)
            block.bn1 = BatchNorm2d.of(block.bn1, num_features=w)
            block.conv2 = Conv2d.of(block.conv2, in_channels=w)


@row(
    "resnet50",
    "blocks of each stage, and the inner widths of their bottlenecks",
    package="torchvision",
    make=model("resnet50"),
    inputs=images(),
)
def resnet50_depth_and_width(model: Any) -> None:
    for stage in ["layer1", "layer2", "layer3", "layer4"]:
        blocks = getattr(model, stage)
        c = blocks[0].conv1.out_channels
        w = Value(f"{stage}.width", [c // 2, c])
        for block in blocks:
            block.conv1 = Conv2d.of(block.conv1, out_channels=w)
            block.bn1 = BatchNorm2d.of(block.bn1, num_features=w)
            block.conv2 = Conv2d.of(block.conv2, in_channels=w, out_channels=w)
            block.bn2 = BatchNorm2d.of(block.bn2, num_features=w)
            block.conv3 = Conv2d.of(block.conv3, in_channels=w)
        setattr(model, stage, Repeat(f"{stage}.depth", blocks, [1, 2, len(blocks)]))


@row(
    "mobilenet_v3_small",
    "expansion of each block: depthwise and squeeze-and-excitation follow",
    package="torchvision",
    make=model("mobilenet_v3_small"),
    inputs=images(),
    quick=True,
)
def mobilenet_v3_expansion(model: Any) -> None:
    for number, block in enumerate(model.features[2:-1]):
        (expand, bn1, _), (depthwise, bn2, *_) = block.block[0], block.block[1]
        c = expand.out_channels
        w = Value(f"expansion {number}", [c // 2, c])
        block.block[0][0] = Conv2d.of(expand, out_channels=w)
        block.block[0][1] = BatchNorm2d.of(bn1, num_features=w)
        block.block[1][0] = Conv2d.of(depthwise, in_channels=w, out_channels=w, groups=w)
        block.block[1][1] = BatchNorm2d.of(bn2, num_features=w)
        if len(block.block) == 4:
            squeeze = block.block[2]
            squeeze.fc1 = Conv2d.of(squeeze.fc1, in_channels=w)
            squeeze.fc2 = Conv2d.of(squeeze.fc2, out_channels=w)
        block.block[-1][0] = Conv2d.of(block.block[-1][0], in_channels=w)


@row(
    "ConvNeXt, small",
    "blocks of each stage, and kernel and hidden width of each block",
    package="torchvision",
    make=small_convnext,
    inputs=images(),
)
def convnext_depth_kernel_and_width(model: Any) -> None:
    for number in [1, 3]:
        stage = model.features[number]
        for position, block in enumerate(stage):
            kernel = Value(f"kernel {number}.{position}", [3, 5, 7])
            block.block[0] = Conv2d.of(block.block[0], kernel_size=kernel)
            first, last = block.block[3], block.block[5]
            c = first.out_features
            w = Value(f"hidden {number}.{position}", [c // 4, c // 2, c])
            block.block[3] = Linear.of(first, out_features=w)
            block.block[5] = Linear.of(last, in_features=w)
        model.features[number] = Repeat(f"depth {number}", stage)


def small_densenet() -> nn.Module:
    from torchvision.models import DenseNet

    return DenseNet(8, (2, 2), num_init_features=8, bn_size=2, num_classes=10)


@row(
    "DenseNet, small",
    "growth of each layer: what follows reads the sum of the widths before",
    package="torchvision",
    make=small_densenet,
    inputs=images(),
    quick=True,
)
def densenet_growth(model: Any) -> None:
    width: Any = model.features.conv0.out_channels
    for name, part in model.features.named_children():
        for layer in part.children() if name.startswith("denseblock") else []:
            growth = Value(f"growth {name}.{width}", [4, 8])
            layer.norm1 = BatchNorm2d.of(layer.norm1, num_features=width)
            layer.conv1 = Conv2d.of(layer.conv1, in_channels=width)
            layer.conv2 = Conv2d.of(layer.conv2, out_channels=growth)
            width = width + growth
        if name.startswith("transition"):
            part.norm = BatchNorm2d.of(part.norm, num_features=width)
            part.conv = Conv2d.of(part.conv, in_channels=width)
            width = part.conv.out_channels
    model.features.norm5 = BatchNorm2d.of(model.features.norm5, num_features=width)
    model.classifier = Linear.of(model.classifier, in_features=width)


@row(
    "squeezenet1_1",
    "both halves of each module, which are concatenated",
    package="torchvision",
    make=model("squeezenet1_1"),
    inputs=images(),
)
def squeezenet_halves(model: Any) -> None:
    before: Any = 64
    for number, fire in enumerate(model.features):
        if not hasattr(fire, "squeeze"):
            continue
        fire.squeeze = Conv2d.of(fire.squeeze, in_channels=before)
        c = fire.expand1x1.out_channels
        left, right = (Value(f"{size} at {number}", [c // 2, c]) for size in ("1x1", "3x3"))
        fire.expand1x1 = Conv2d.of(fire.expand1x1, out_channels=left)
        fire.expand3x3 = Conv2d.of(fire.expand3x3, out_channels=right)
        before = left + right
    model.classifier[1] = Conv2d.of(model.classifier[1], in_channels=before)


@row(
    "lraspp_mobilenet_v3_large",
    "width of the head that segments",
    package="torchvision",
    make=lambda: __import__("torchvision").models.segmentation.lraspp_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=5
    ),
    inputs=images(64),
)
def segmentation_head(model: Any) -> None:
    head = model.classifier
    w = Value("head", [32, 64, 128])
    head.cbr[0] = Conv2d.of(head.cbr[0], out_channels=w)
    head.cbr[1] = BatchNorm2d.of(head.cbr[1], num_features=w)
    head.scale[1] = Conv2d.of(head.scale[1], out_channels=w)
    head.high_classifier = Conv2d.of(head.high_classifier, in_channels=w)


def small_retinanet() -> nn.Module:
    from torchvision.models.detection import RetinaNet
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    backbone: Any = nn.Sequential(nn.Conv2d(3, 16, 3, 8, 1), nn.ReLU())
    backbone.out_channels = 16
    anchors = AnchorGenerator(((16, 32),), ((0.5, 1.0, 2.0),))
    settings: Any = {"min_size": 64, "max_size": 64, "score_thresh": 0.0}
    return RetinaNet(backbone, 4, anchor_generator=anchors, **settings)


@row(
    "RetinaNet, small",
    "widths of both heads that detect",
    package="torchvision",
    make=small_retinanet,
    inputs=lambda: Inputs(([torch.rand(3, 64, 64), torch.rand(3, 64, 64)],)),
    without={
        "training": "it asks for targets",
        "search": "it asks for targets",
        "export": "PyTorch cannot: the number of boxes depends on the image",
        "onnx": "PyTorch cannot: the number of boxes depends on the image",
    },
)
def detection_heads(model: Any) -> None:
    ends = {"classification_head": "cls_logits", "regression_head": "bbox_reg"}
    for name, end in ends.items():
        head = getattr(model.head, name)
        w, before = Value(name, [4, 8, 16]), 16
        for layer in head.conv:
            layer[0] = Conv2d.of(layer[0], in_channels=before, out_channels=w)
            before = w
        setattr(head, end, Conv2d.of(getattr(head, end), in_channels=w))


@row(
    "efficientnet_b0",
    "which of the blocks with a residual sum add something",
    package="torchvision",
    make=model("efficientnet_b0"),
    inputs=images(),
)
def efficientnet_blocks(model: Any) -> None:
    for i, stage in enumerate(model.features[1:-1]):
        for j, block in enumerate(stage):
            if block.use_res_connect:
                block.block = OptionalLayer(f"block {i}.{j}", block.block, otherwise="zeros")


@row(
    "resnext50_32x4d",
    "groups of each stage, of four channels each and more",
    package="torchvision",
    make=model("resnext50_32x4d"),
    inputs=images(),
)
def resnext_groups(model: Any) -> None:
    for stage in [model.layer1, model.layer2, model.layer3, model.layer4]:
        c = stage[0].conv2.out_channels
        w = Value(f"width {c}", [c // 4, c // 2, c])
        for block in stage:
            block.conv1 = Conv2d.of(block.conv1, out_channels=w)
            block.bn1 = BatchNorm2d.of(block.bn1, num_features=w)
            block.conv2 = Conv2d.of(block.conv2, in_channels=w, out_channels=w)
            block.bn2 = BatchNorm2d.of(block.bn2, num_features=w)
            block.conv3 = Conv2d.of(block.conv3, in_channels=w)


def small_r3d() -> nn.Module:
    from torchvision.models.video.resnet import BasicBlock, BasicStem, Conv3DSimple, VideoResNet

    return VideoResNet(BasicBlock, [Conv3DSimple] * 4, [1, 1, 1, 1], BasicStem, num_classes=5)


@row(
    "VideoResNet, of 3 x 3 x 3 kernels",
    "inner width of each block",
    package="torchvision",
    make=small_r3d,
    inputs=lambda: Inputs((torch.randn(2, 3, 4, 16, 16),)),
)
def video_resnet_width(model: Any) -> None:
    for number, stage in enumerate([model.layer1, model.layer2, model.layer3, model.layer4]):
        (first, norm, _), (second, _) = stage[0].conv1, stage[0].conv2
        c = first.out_channels
        w = Value(f"width {number}", [c // 4, c // 2, c])
        stage[0].conv1[0] = Conv3d.of(first, out_channels=w)
        stage[0].conv1[1] = BatchNorm3d.of(norm, num_features=w)
        stage[0].conv2[0] = Conv3d.of(second, in_channels=w)
