"""How many bicycles are rented in an hour, ISLP's Bikeshare, from the time and the weather."""

from __future__ import annotations

import math

import numpy as np
import torch
from ISLP import load_data
from torch import Tensor, nn
from torch.nn import functional as F

from pdas.nn import BatchNorm1d, Choice, LayerNorm, Linear, Repeat, Value
from problems.base import Examples, Model, Problem, shuffled

TIMES = ["hr", "weekday"]  # whole numbers from 0; the other columns are standardised
OTHERS = ["season", "holiday", "workingday", "temp", "hum", "windspeed"]


class Number(nn.Module):
    """A time as a number between -1 and 1."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period

    def forward(self, time: Tensor) -> Tensor:
        return 2 * time[:, None] / (self.period - 1) - 1


class Circle(nn.Module):
    """A time as a point on a circle."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period

    def forward(self, time: Tensor) -> Tensor:
        angle = time * (2 * math.pi / self.period)
        return torch.stack([angle.sin(), angle.cos()], 1)


class OneHot(nn.Module):
    """A time as one of as many columns as it has values."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period

    def forward(self, time: Tensor) -> Tensor:
        return F.one_hot(time.long(), self.period).float()


def _time(name: str, period: int, width: Value) -> Choice:
    """What the first layer computes of a time, by how the time is written."""
    return Choice(
        name,
        {
            "number": nn.Sequential(Number(period), Linear(1, width)),
            "circle": nn.Sequential(Circle(period), Linear(2, width)),
            "one_hot": nn.Sequential(OneHot(period), Linear(period, width)),
        },
    )


class Hidden(nn.Module):
    """A hidden layer; norm, activation and shortcut are the same in all."""

    def __init__(self, width: Value, shortcut: Value) -> None:
        super().__init__()
        self.linear = Linear(width, width)
        self.norm = Choice(
            "norm",
            {"none": nn.Identity(), "batch": BatchNorm1d(width), "layer": LayerNorm(width)},
        )
        self.activation = Choice(
            "activation",
            {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(), "none": nn.Identity()},
        )
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out = self.activation(self.norm(self.linear(x)))
        return x + out if self.shortcut.value else out


class Network(nn.Module):
    """A layer that reads the columns, up to four hidden layers, and one output."""

    def __init__(self) -> None:
        super().__init__()
        width, shortcut = Value("width", [8, 16, 32, 64]), Value("shortcut", [False, True])
        self.hour, self.weekday = _time("hour", 24, width), _time("weekday", 7, width)
        self.others = Linear(len(OTHERS), width)
        self.first = nn.ReLU()
        self.hidden = Repeat("depth", [Hidden(width, shortcut) for _ in range(4)])
        self.dropout = Value("dropout", [0.0, 0.2, 0.5])
        self.output = Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.hour(x[:, 0]) + self.weekday(x[:, 1]) + self.others(x[:, 2:])
        x = F.dropout(self.hidden(self.first(x)), float(self.dropout.value), self.training)
        return self.output(x).squeeze(1)


def squared_error(model: Model, batch: list[Tensor]) -> Tensor:
    """Mean squared error of a batch."""
    return F.mse_loss(model(batch[0]), batch[1])


def unexplained(outputs: Tensor, targets: Tensor) -> float:
    """Percent of the variance that is left, 100 (1 - R^2), at most that of the mean: 100."""
    left = (outputs - targets).square().mean() / targets.var(correction=0)
    return min(100 * float(left), 100.0)


def regression() -> Problem:
    """4,000 hours for the search, 4,000 for the test; the target is the logarithm of the count."""
    frame = load_data("Bikeshare")
    inputs = torch.tensor(frame[TIMES + OTHERS].to_numpy(np.float64)).float()
    targets = torch.tensor(np.log1p(frame["bikers"].to_numpy(np.float64))).float()
    train, test = shuffled((inputs, targets), 4000, 4000)
    usual = {"norm": "batch", "activation": "relu", "dropout": 0.0}
    return Problem(
        name="regression",
        train=_scaled(train, train),
        test=_scaled(test, train),
        module=Network,
        maximum=4_500,
        epochs=12,
        clip=5.0,
        optimizer=lambda parameters: torch.optim.SGD(
            parameters, 0.02, momentum=0.9, weight_decay=1e-4, fused=True
        ),
        guesses=(
            {**usual, "hour": "one_hot", "weekday": "one_hot", "width": 32, "depth": 2,
             "shortcut": False},
            {**usual, "hour": "one_hot", "weekday": "number", "width": 32, "depth": 3,
             "shortcut": True},
            {**usual, "hour": "circle", "weekday": "one_hot", "width": 32, "depth": 3,
             "shortcut": True},
        ),
        loss=squared_error,
        error=unexplained,
    )  # fmt: skip


def _scaled(examples: Examples, by: Examples) -> Examples:
    """Columns but the times, and targets, with mean 0 and deviation 1 in the examples `by`."""
    times = len(TIMES)
    others = (examples[0][:, times:] - by[0][:, times:].mean(0)) / by[0][:, times:].std(0)
    inputs = torch.cat([examples[0][:, :times], others], 1)
    return inputs, (examples[1] - by[1].mean()) / by[1].std()
