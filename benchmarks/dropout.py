"""What a search makes of a rate of dropout, on real data where a high rate is the right one.

    python benchmarks/dropout.py [--seeds 5] [--lengths 60 300] [--ways default train]

The data are scikit-learn's digits, 512 of them for training, of which 30 % have a random label, and
the others for the test. The network has two hidden layers of 256 with dropout after each; its rate
is one choice, the activation another. First each rate is trained by itself with both activations;
then searches with several settings, of the same length, say which rate they take. A long search
without finalists may end with a `NotLearnedError`, since its weights have learned the wrong labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Value

TRAIN, WIDTH, WRONG = 512, 256, 0.3
RATES = [0.0, 0.3, 0.6]
OPTIMIZER = {"name": "adamw", "learning_rate": 0.003}

NONE: Mapping[str, Any] = {"finalists": 0, "finalists_share": 0.0}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "train": {"theta_mode": "train"},
    "no finalists": NONE,
    "train, no finalists": {"theta_mode": "train", **NONE},
    "paper": {"preset": "paper"},
    "paper, eval": {"preset": "paper", "theta_mode": "eval"},
}


class Network(nn.Module):
    """Two hidden layers, each with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.rate = Value("rate", RATES)
        self.first, self.second = nn.Linear(64, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.activation = Choice("activation", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.last = nn.Linear(WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            x = self.activation(layer(x))
            x = F.dropout(x, float(self.rate.value), self.training)
        return self.last(x)


def loss(model: Any, batch: list[Tensor]) -> Tensor:
    """Cross entropy."""
    return F.cross_entropy(model(batch[0]), batch[1])


def digits() -> tuple[TensorDataset, Tensor, Tensor]:
    """The training set with its wrong labels, and the inputs and labels of the test."""
    pixels, labels = load_digits(return_X_y=True)
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(labels), generator=generator)
    x, y = torch.tensor(pixels).float()[order] / 16, torch.tensor(labels)[order]
    noisy = y[:TRAIN].clone()
    wrong = torch.rand(TRAIN, generator=generator) < WRONG
    noisy[wrong] = torch.randint(10, (int(wrong.sum()),), generator=generator)
    return TensorDataset(x[:TRAIN], noisy), x[TRAIN:], y[TRAIN:]


def by_itself(labels: Mapping[str, Any], seed: int, epochs: int) -> float:
    """Test error in % of an architecture that is trained by itself."""
    data, x, y = digits()
    torch.manual_seed(seed)
    net = pdas.nn.Supernet(Network())
    network = net.derive(net.space.architecture(dict(labels)))
    pdas.retrain(network, loss, data, epochs=epochs, optimizer=OPTIMIZER, seed=seed)
    with torch.no_grad():
        return 100 * float((network(x).argmax(1) != y).float().mean())


def searched(way: str, seed: int, epochs: int) -> tuple[float, np.ndarray]:
    """The rate that a search takes, and theta of the rates."""
    torch.manual_seed(seed)
    net = pdas.nn.Supernet(Network())
    settings = {"optimizer": OPTIMIZER, "epochs": epochs, **WAYS[way]}
    result = pdas.search(net, loss, digits()[0], seed=seed, **settings)
    return float(result.architecture["rate"]), result.optimizer.theta["rate"]


def main() -> None:
    """Parse the arguments and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60, help="of a training by itself")
    parser.add_argument("--lengths", type=int, nargs="+", default=[60], help="of searches")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(arguments.seeds)
    print(f"test error in %, trained by itself for {arguments.epochs} epochs, {len(seeds)} seeds")
    for activation in ("relu", "tanh"):
        for rate in RATES:
            labels = {"rate": rate, "activation": activation}
            errors = [by_itself(labels, seed, arguments.epochs) for seed in seeds]
            print(f"{activation:<6}{rate:<5}{np.mean(errors):6.1f} +- {np.std(errors, ddof=1):.1f}")
    print(f"\n{'search':<22}{'epochs':>7}  rates taken, and the mean of theta of {RATES}")
    for epochs in arguments.lengths:
        for way in arguments.ways:
            rates, thetas = zip(*(searched(way, seed, epochs) for seed in seeds), strict=True)
            theta = np.mean(thetas, axis=0).round(2).tolist()
            print(f"{way:<22}{epochs:>7}  {[rates.count(r) for r in RATES]}  {theta}", flush=True)


if __name__ == "__main__":
    main()
