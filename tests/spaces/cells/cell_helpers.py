"""Architectures to test with and ways to compare two networks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from pdas.space import Architecture, SearchSpace


def random_architectures(space: SearchSpace, count: int, seed: int = 0) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    return [space.uniform(rng) for _ in range(count)]


def ignoring(
    architecture: Architecture, source: str, cells: Iterable[str] = ("normal", "reduction")
) -> Architecture:
    """`architecture` with another input wherever one of `cells` reads the cell input `source`."""
    other = {"prev": "prev_prev", "prev_prev": "prev"}[source]
    labels = architecture.to_dict()
    for name, label in labels.items():
        if label == source and name.split("/")[0] in cells:
            labels[name] = other
    return architecture.space.architecture(labels)


def special_architectures(space: SearchSpace) -> list[Architecture]:
    """Architectures that pass cells or inputs by, or do the same thing several times."""
    base = random_architectures(space, 6, seed=1)
    twice = base[5].to_dict()
    for name in twice:
        if name.endswith("2"):
            twice[name] = twice[f"{name[:-1]}1"]
    return [
        ignoring(base[0], "prev", ["normal"]),
        ignoring(base[1], "prev", ["reduction"]),
        ignoring(base[2], "prev"),
        ignoring(base[3], "prev_prev"),
        ignoring(ignoring(base[4], "prev", ["normal"]), "prev_prev", ["reduction"]),
        space.architecture(twice),  # both edges of every node are the same one
        space.architecture([0] * len(space)),  # identities of one input, all nodes loose
    ]


def difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest expected value."""
    error = float((found.detach() - expected.detach()).abs().max())
    return error / float(expected.detach().abs().max()) if error else 0.0


def gradients(net: nn.Module) -> dict[str, Tensor]:
    """The gradient of every parameter by name, zero where there is none."""
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in net.named_parameters()
    }


def numbers(parameters: Iterable[Tensor]) -> int:
    return sum(p.numel() for p in parameters)
