"""Which width, depth, activation and normalisation for a table? scikit-learn's breast cancer data.

Searches an MLP with `pdas.search`, retrains what is found, and compares it on the test rows with
architectures that are drawn at random. Takes about 15 seconds.
"""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import BatchNorm1d, Choice, Linear, OptionalLayer, Repeat, Value

WIDTH = Value("width", [4, 16, 64])


class Layer(nn.Module):
    """One hidden layer; its choices are named, so every layer has its own."""

    def __init__(self, name):
        super().__init__()
        self.linear = Linear(WIDTH, WIDTH)
        self.norm = OptionalLayer(f"{name}/norm", BatchNorm1d(WIDTH))
        activations = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
        self.activation = Choice(f"{name}/activation", activations)

    def forward(self, x):
        return self.activation(self.norm(self.linear(x)))


def network(columns, classes):
    layers = [Layer(f"layer{i}") for i in range(1, 5)]
    return nn.Sequential(Linear(columns, WIDTH), Repeat("depth", layers), Linear(WIDTH, classes))


def loss(model, batch):
    x, y = batch
    return cross_entropy(model(x), y)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # faster for a network this small
    x, y = load_breast_cancer(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    scale = StandardScaler().fit(x)  # the test rows take no part in anything before the end
    x, test_x = (torch.tensor(scale.transform(part)).float() for part in (x, test_x))
    y, test_y = torch.tensor(y), torch.tensor(test_y)

    net = pdas.nn.Supernet(network(columns=x.shape[1], classes=2))
    net.check(x[:4])
    data = TensorDataset(x, y)
    result = pdas.search(net, loss, data, epochs=150, batch_size=32)
    print(result.architecture)
    print(f"decided {result.optimizer.decided:.2f} after {result.seconds:.0f} s")

    def error(architecture):
        model = net.derive(architecture)
        sgd = {"name": "sgd", "learning_rate": 0.05}
        pdas.retrain(model, loss, data, epochs=60, batch_size=32, optimizer=sgd)
        return 100 * (model(test_x).argmax(1) != test_y).float().mean().item()

    rng = np.random.default_rng(0)
    found = [error(result.architecture) for _ in range(5)]
    random = [error(net.space.uniform(rng)) for _ in range(5)]
    for name, errors in (("found", found), ("random", random)):
        print(f"test error, {name}: {np.mean(errors):.2f} +- {np.std(errors, ddof=1):.2f} %")


if __name__ == "__main__":
    main()
