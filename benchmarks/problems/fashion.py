"""Fashion-MNIST at 14x14, with a convolutional network of open depth, widths and kernels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdas.data.images import ImageSource
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings
from pdas.nn import BatchNorm2d, Choice, Conv2d, GroupNorm, Linear, Repeat, Value
from problems.base import Examples, Problem, standardised

SIZE = 14


class Block(nn.Module):
    """A convolution of its own kernel, with the norm and the activation of all blocks."""

    def __init__(self, name: str, inputs: int | Value, width: Value, stride: int) -> None:
        super().__init__()
        self.conv = Choice(
            f"{name}/kernel",
            {k: Conv2d(inputs, width, k, stride=stride, padding=k // 2) for k in (1, 3, 5)},
        )
        self.norm = Choice(
            "norm",
            {"none": nn.Identity(), "batch": BatchNorm2d(width), "group": GroupNorm(4, width)},
        )
        self.activation = Choice(
            "activation", {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))


class Network(nn.Module):
    """A stem, a stage of up to three blocks at half the size, one at a quarter, and a head."""

    def __init__(self) -> None:
        super().__init__()
        first, second = Value("width1", [8, 16, 32]), Value("width2", [8, 16, 32])
        self.stem = Block("stem", 1, first, 2)
        blocks = [Block("block", first, first, 1) for _ in range(3)]
        self.stage = Repeat("depth", blocks, [0, 1, 2, 3])
        self.down = Block("down", first, second, 2)
        self.dropout = Value("dropout", [0.0, 0.3, 0.6])
        self.head = Choice(
            "head",
            {
                "mean": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(second, 10)),
                "flat": nn.Sequential(nn.Flatten(), Linear(16 * second, 10)),
            },
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(self.stage(self.stem(x)))
        return self.head(F.dropout(x, float(self.dropout.value), self.training))


def fashion() -> Problem:
    """3,000 images for the search, 2,000 for the test."""
    images = load_images(LabelledDataSettings(name="fashion-mnist", image_size=SIZE))
    train, test = standardised(_some(images.train, 3000), _some(images.test, 2000))
    usual = {"norm": "batch", "activation": "relu"}
    return Problem(
        name="fashion",
        train=train,
        test=test,
        module=Network,
        maximum=12_500,
        epochs=6,
        clip=5.0,
        optimizer=lambda parameters: torch.optim.SGD(
            parameters, 0.05, momentum=0.9, nesterov=True, weight_decay=3e-4, fused=True
        ),
        guesses=(
            {**usual, "width1": 16, "width2": 32, "depth": 1, "stem/kernel": 3, "block/kernel": 3,
             "down/kernel": 3, "dropout": 0.0, "head": "flat"},
            {**usual, "width1": 16, "width2": 32, "depth": 2, "stem/kernel": 5, "block/kernel": 3,
             "down/kernel": 3, "dropout": 0.0, "head": "mean"},
            {**usual, "width1": 32, "width2": 16, "depth": 1, "stem/kernel": 3, "block/kernel": 1,
             "down/kernel": 3, "dropout": 0.3, "head": "flat"},
        ),
    )  # fmt: skip


def _some(source: ImageSource, count: int) -> Examples:
    """So many images at random, always the same ones."""
    order = torch.randperm(len(source), generator=torch.Generator().manual_seed(0))[:count]
    (images, classes), *_ = source.batches([order], torch.device("cpu"))
    return images.float(), classes
