"""A training loop of one's own: `ask`, the supernet, `tell`. scikit-learn's diabetes data.

A regression with AdamW, a loss of its own, and everything else that a loop may have; PDAS gives the
architectures and learns from their losses. Takes about 10 seconds.
"""

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from torch import nn
from torch.nn.functional import huber_loss

import pdas
from pdas.nn import Choice, Linear, OptionalLayer, Value


def network(columns):
    width = Value("width", [2, 8, 32])
    activations = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "none": nn.Identity()}
    return nn.Sequential(
        Linear(columns, width),
        Choice("activation", activations),
        OptionalLayer("hidden", Linear(width, width)),
        Linear(width, 1),
    )


def search(net, x, y, steps=1500, warmup=600):
    """The optimizer of architectures after a search with AdamW."""
    halves = torch.randperm(len(x)).chunk(2)  # weights learn from one, theta from the other
    optimizer = pdas.PDAS(net.space, seed=0, eta_scale=0.25)
    adamw = torch.optim.AdamW(net.parameters(), lr=3e-3)

    def losses(architectures, half):
        rows = half[torch.randint(len(half), (64,))]  # one batch for all, so that they compare
        outputs = [net(x[rows], a).squeeze(1) for a in architectures]
        return torch.stack([huber_loss(output, y[rows]) for output in outputs])

    for step in range(steps):
        pair = optimizer.ask(2)
        adamw.zero_grad(set_to_none=True)  # what a step does not use, it does not touch
        losses(pair, halves[0]).mean().backward()
        adamw.step()
        if step < warmup:  # before the weights have learned something, losses mislead theta
            continue
        judged = pair + optimizer.ask(6)  # further ones cost a forward pass each
        with torch.no_grad():
            theta_losses = losses(judged, halves[1])
        optimizer.tell(judged, theta_losses.tolist(), [net.active(a) for a in judged])
    return optimizer


def retrained_error(model, x, y, test_x, test_y, steps=300):
    """Mean absolute error on the test rows after training from fresh weights."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        huber_loss(model(x).squeeze(1), y).backward()
        optimizer.step()
    return (model(test_x).squeeze(1) - test_y).abs().mean().item()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # faster for a network this small
    x, y = load_diabetes(return_X_y=True)
    mean, std = y[:300].mean(), y[:300].std()  # the other rows are for the test
    x, y = torch.tensor(x / x[:300].std(0)).float(), torch.tensor((y - mean) / std).float()
    training, test = (x[:300], y[:300]), (x[300:], y[300:])

    net = pdas.nn.Supernet(network(x.shape[1]))
    optimizer = search(net, *training)
    found = optimizer.best()
    print(found)
    print(f"decided {optimizer.decided:.2f}")

    def error(architecture):
        return std * retrained_error(net.derive(architecture), *training, *test)

    rng = np.random.default_rng(0)
    linear = LinearRegression().fit(*training).predict(test[0])
    print(f"mean absolute error, found: {np.mean([error(found) for _ in range(5)]):.1f}")
    random = [error(net.space.uniform(rng)) for _ in range(5)]
    print(f"mean absolute error, random: {np.mean(random):.1f}")
    print(f"mean absolute error, linear: {std * np.abs(linear - test[1].numpy()).mean():.1f}")


if __name__ == "__main__":
    main()
