"""When a search is worth it in a trained network: `examples/prune_transformer.py` by more settings.

    python benchmarks/pruning.py [--seeds 5] [--shares 0.6 0.25] [--evaluations 200]

For each seed a model is trained. Printed is, by share of the parameters and by way, what share was
kept, and the loss of a text that nothing was trained on, in nats per character, as derived and
after as many steps of tuning; and the loss of the widest with narrower hidden layers, by the order
of their channels. With each mean over the seeds stands half the width of its 95 % interval.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from scipy.stats import t

import pdas

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import prune_transformer as example


def orders(model: Any, training: Any, test: Any, batches: Any) -> Iterator[tuple[str, list[float]]]:
    """The loss at a quarter and at a half of the hidden width, by the order of channels."""
    for name in ("as trained", "by norm", "by loss"):
        net = pdas.nn.searchable(model, example.RULES, training[:1, :-1])
        if name == "by norm":
            pdas.nn.sort_channels(net)
        elif name == "by loss":
            pdas.nn.sort_channels(net, by=example.loss, batches=batches)
        losses = []
        for category in (0, 1):
            labels = net.largest.to_dict()
            labels |= {n: net.space[n][category] for n in labels if n.endswith("first")}
            narrow = net.space.architecture(labels)
            losses.append(example.test_loss(lambda x, net=net, a=narrow: net(x, a), test))
        yield f"channels {name}, at 1/4 and 1/2", losses


def pruned(
    model: Any, data: tuple[Any, Any, Any], way: str, share: float, evaluations: int, seed: int
) -> list[float]:
    """The share that was kept, the loss as derived, and after tuning."""
    training, test, batches = data
    torch.manual_seed(seed)
    net = pdas.nn.searchable(model, example.RULES, training[:1, :-1])
    pdas.nn.sort_channels(net, by=example.loss, batches=batches)
    cost = net.cost("parameters")
    limit = pdas.Limit(cost, share * cost(net.largest))
    found = example.found_by(way, net, training, limit, seed, evaluations)
    network = net.derive(found, keep_weights=True)
    derived = example.test_loss(network, test)
    torch.manual_seed(100 + seed)
    tuned = example.trained(network, training, example.TUNING, 1e-3)
    return [cost(found) / cost(net.largest), derived, example.test_loss(tuned, test)]


def figures(seed: int, shares: list[float], evaluations: list[int]) -> dict[str, list[float]]:
    """All figures of one seed, by what they are of."""
    torch.manual_seed(seed)
    training, test, characters = example.read_texts(seed)
    model = example.trained(example.Transformer(characters), training, example.TRAINING, 3e-3)
    batches = [training[torch.randint(len(training), (example.BATCH,))] for _ in range(8)]
    longer = example.trained(copy.deepcopy(model), training, example.TUNING, 1e-3)
    found = {"the whole model": [1.0, *(example.test_loss(m, test) for m in (model, longer))]}
    found |= dict(orders(model, training, test, batches))
    data = training, test, batches
    for share in shares:
        for number in evaluations:
            for way in example.WAYS:
                name = f"{share:.0%}, {number} evaluations, {way}"
                found[name] = pruned(model, data, way, share, number, seed)
    return found


def interval(values: list[float]) -> str:
    """Mean and half the width of its 95 % interval."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    half = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.3f} +- {half:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.6, 0.25])
    parser.add_argument("--evaluations", type=int, nargs="+", default=[200])
    options = parser.parse_args()
    torch.set_num_threads(1)
    all_found = [figures(s, options.shares, options.evaluations) for s in range(options.seeds)]
    for name in all_found[0]:
        columns = zip(*(found[name] for found in all_found), strict=True)
        print(f"{name:<50}", *(interval(list(values)) for values in columns), sep="   ")


if __name__ == "__main__":
    main()
