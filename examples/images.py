"""A small network for images under a limit on multiply-adds: scikit-learn's handwritten digits.

Which kernel, how wide and how deep, if a network may have 400,000 multiply-adds an image? Searches
with `pdas.search(limit=...)`, retrains what is found and architectures that are drawn at random
under the same limit, and writes the found one as a `torch.export` program. Takes about 20 seconds.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import BatchNorm2d, Choice, Conv2d, Linear, Repeat, Value

LIMIT = 400_000
WIDTH = Value("width", [8, 16, 32])


def convolution(kernel):
    return Conv2d(WIDTH, WIDTH, kernel, padding=kernel // 2, bias=False)


def separable(kernel):
    depthwise = Conv2d(WIDTH, WIDTH, kernel, padding=kernel // 2, groups=WIDTH, bias=False)
    return nn.Sequential(depthwise, Conv2d(WIDTH, WIDTH, 1, bias=False))


class Block(nn.Module):
    def __init__(self, number):
        super().__init__()
        operations = {"conv3": convolution(3), "conv5": convolution(5), "sep3": separable(3)}
        self.operation = Choice(f"block{number}/operation", operations)
        self.norm = BatchNorm2d(WIDTH)

    def forward(self, x):
        return x + self.norm(self.operation(x)).relu()


class Digits(nn.Module):
    """Scores of the ten digits, `(N, 1, 8, 8) -> (N, 10)`."""

    def __init__(self):
        super().__init__()
        self.stem = Conv2d(1, WIDTH, 3, padding=1)
        self.blocks = Repeat("depth", [Block(number) for number in range(1, 5)])
        self.pool = Choice(
            "pool", {"max": nn.AdaptiveMaxPool2d(2), "mean": nn.AdaptiveAvgPool2d(2)}
        )
        self.last = Linear(4 * WIDTH, 10)

    def forward(self, x):
        return self.last(self.pool(self.blocks(self.stem(x))).flatten(1))


def loss(model, batch):
    images, digits = batch
    return cross_entropy(model(images), digits)


def draw(space, limit, rng):
    """A random architecture within the limit."""
    while not limit.holds(architecture := space.uniform(rng)):
        pass
    return architecture


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # faster for a network this small
    x, y = load_digits(return_X_y=True)
    images, digits = torch.tensor(x / 16).float().view(-1, 1, 8, 8), torch.tensor(y)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    training, test = order[600:], order[:600]

    net = pdas.nn.Supernet(Digits())
    net.check(images[:2])
    cost, parameters = net.cost("multiply_adds", images[:1]), net.cost("parameters")
    limit = pdas.Limit(cost, LIMIT)
    data = TensorDataset(images[training], digits[training])
    result = pdas.search(net, loss, data, limit=limit, epochs=40, batch_size=64)
    found = result.architecture
    print(found)
    rejection_rate = result.history[-1].measures["rejection_rate"]
    print(
        f"{cost(found):,.0f} multiply-adds of at most {LIMIT:,}, {parameters(found):,.0f} weights"
    )
    print(f"decided {result.optimizer.decided:.2f} after {result.seconds:.0f} s, "
          f"{rejection_rate:.0%} of the architectures drawn again")  # fmt: skip

    def trained(architecture):
        network = net.derive(architecture)
        pdas.retrain(network, loss, data, epochs=15, optimizer="sgd")
        return network

    def error(network):
        wrong = network(images[test]).argmax(1) != digits[test]
        return 100 * wrong.float().mean().item()

    rng = np.random.default_rng(0)
    networks = [trained(found) for _ in range(5)]
    random = [trained(draw(net.space, limit, rng)) for _ in range(5)]
    for name, these in (("found", networks), ("random", random)):
        errors = [error(network) for network in these]
        print(f"test error, {name}: {np.mean(errors):.2f} +- {np.std(errors, ddof=1):.2f} %")

    with tempfile.TemporaryDirectory() as directory:
        batch = {0: torch.export.Dim("batch")}
        program = torch.export.export(networks[0], (images[:2],), dynamic_shapes=(batch,))
        torch.export.save(program, path := Path(directory, "digits.pt2"))
        again = torch.export.load(path).module()(images[test])
    difference = (again - networks[0](images[test])).abs().max().item()
    print(f"the exported program differs from the network by {difference:.0e}")


if __name__ == "__main__":
    main()
