"""scikit-learn's digits read row by row, with recurrent, convolutional and attention layers."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from pdas.nn import Choice, LayerNorm, Linear, OptionalLayer, Value
from pdas.space import Label
from problems.base import Problem, shuffled, standardised

STEPS, WIDTH = 8, 24


class Recurrent(nn.Module):
    """A recurrent layer over the rows."""

    def __init__(self, kind: type[nn.RNN] | type[nn.GRU]) -> None:
        super().__init__()
        self.layer = kind(WIDTH, WIDTH, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


class Convolution(nn.Module):
    """A convolution along the rows."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.layer = nn.Conv1d(WIDTH, WIDTH, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.transpose(1, 2)).transpose(1, 2)


class Attention(nn.Module):
    """Self-attention of one head; by itself it does not know which row is where."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(*self.project(x).chunk(3, dim=2))


class Position(nn.Module):
    """Adds a learned vector for each row."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(STEPS, WIDTH))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh vectors."""
        nn.init.normal_(self.vectors, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.vectors


class Layer(nn.Module):
    """One layer over the rows, with or without a norm and a shortcut."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.op = Choice(
            f"{name}/op",
            {
                "conv1": Convolution(1),
                "conv3": Convolution(3),
                "conv5": Convolution(5),
                "rnn": Recurrent(nn.RNN),
                "gru": Recurrent(nn.GRU),
                "attention": Attention(),
            },
        )
        self.norm = OptionalLayer(f"{name}/norm", LayerNorm(WIDTH))
        self.shortcut = Value(f"{name}/shortcut", [False, True])

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm(self.op(x))
        return x + out if self.shortcut.value else out


class Last(nn.Module):
    """The vector of the last row."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]


class Mean(nn.Module):
    """The mean of the vectors of all rows."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


class Network(nn.Module):
    """Rows to vectors, two layers over them, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, WIDTH)
        self.position = OptionalLayer("position", Position())
        self.layers = nn.ModuleList(Layer(f"layer{i}") for i in (1, 2))
        self.activation = Choice(
            "activation", {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
        )
        self.final = OptionalLayer("final", Linear(WIDTH, WIDTH))
        self.dropout = Value("dropout", [0.0, 0.3, 0.6])
        self.head = Choice(
            "head",
            {
                "last": nn.Sequential(Last(), nn.Linear(WIDTH, 10)),
                "mean": nn.Sequential(Mean(), nn.Linear(WIDTH, 10)),
                "all": nn.Sequential(nn.Flatten(), nn.Linear(STEPS * WIDTH, 10)),
            },
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.position(self.embed(x))
        for layer in self.layers:
            x = self.activation(layer(x))
        x = self.final(x)
        return self.head(F.dropout(x, float(self.dropout.value), self.training))


def rows() -> Problem:
    """1,197 images for the search, 600 for the test."""
    images, classes = map(torch.tensor, load_digits(return_X_y=True))
    examples = (images.float().view(-1, STEPS, 8), classes)
    train, test = standardised(*shuffled(examples, 1197, 600))
    plain: dict[str, Label] = {"activation": "relu", "dropout": 0.0, "final": False}
    return Problem(
        name="rows",
        train=train,
        test=test,
        module=Network,
        maximum=6_000,
        epochs=16,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, 3e-3, fused=True),
        guesses=(
            {**plain, **_layer(1, "conv3", True, True), **_layer(2, "conv3", True, True),
             "position": False, "head": "all"},
            {**plain, **_layer(1, "gru", False, False), **_layer(2, "conv1", True, True),
             "position": False, "head": "last"},
            {**plain, **_layer(1, "conv3", True, True), **_layer(2, "attention", True, True),
             "position": True, "head": "mean"},
        ),
    )  # fmt: skip


def _layer(number: int, op: str, norm: bool, shortcut: bool) -> dict[str, Label]:
    name = f"layer{number}"
    return {f"{name}/op": op, f"{name}/norm": norm, f"{name}/shortcut": shortcut}
