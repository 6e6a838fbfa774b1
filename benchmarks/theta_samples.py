"""What a step costs by how many architectures theta learns from.

    python benchmarks/theta_samples.py [--steps 60]

Steps of a search whose two trained architectures are judged, beside so many in all; in turns, in
one process on one thread, in the networks of `benchmarks/problems` and in those of the two tasks.
Each time is a median; "warm-up" judges none. Beside it stands what a step is taken to cost: a
training pass 1, a forward pass a third.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from problems import PROBLEMS
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from pdas.distributed.ranks import Ranks
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.planning.plan import SCORED
from pdas.methods.sampled.step import SearchStep
from pdas.methods.settings import SearchSettings
from pdas.nn import Supernet
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.training.candidates import Candidates, active_of
from pdas.training.measures import Loss
from pdas.training.weights.training import WeightTraining

COUNTS = (0, 2, 8, 16)  # architectures that theta learns from


@dataclass(frozen=True)
class Case:
    """A supernet with a batch of its data."""

    name: str
    net: nn.Module
    loss: Loss
    batch: Any


def cases() -> Iterator[Case]:
    """Networks of one's own, of cells, and chains, small enough for many steps."""
    for name, make in PROBLEMS.items():
        problem = make()
        batch = [part[:64] for part in problem.train]
        yield Case(name, Supernet(problem.module()), problem.loss, batch)
    cells = CellSupernet(nodes=4, cells_per_stage=1, channels=8)
    images, classes = torch.rand(64, 3, 16, 16), torch.randint(10, (64,))
    yield Case("cells", cells, _classes, [images, classes])
    chains = AutoencoderSupernet(layers=8, level_back=3, channels=(16, 32, 64), image_channels=3)
    yield Case("chains", chains, _pixels, [torch.rand(8, 3, 32, 32)] * 2)


def _classes(model: Any, batch: Any) -> torch.Tensor:
    return cross_entropy(model(batch[0]), batch[1])


def _pixels(model: Any, batch: Any) -> torch.Tensor:
    return mse_loss(model(batch[0]), batch[1])


def steps_of(case: Case, fabric: Fabric, count: int, steps: int) -> SearchStep:
    """The step of a search that judges so many architectures, drawn uniformly throughout."""
    optimizer = PDAS(case.net.space, seed=0, eta=1e-12)
    ranks = Ranks(fabric)
    weights = WeightTraining(
        Candidates(case.net), SearchSettings(), fabric, ranks, steps=steps, per_epoch=steps
    )
    return SearchStep(
        fabric,
        weights.network,
        case.loss,
        optimizer,
        weights,
        theta_samples=max(count, 2),
        active=active_of(case.net),
        ranks=ranks,
    )


def milliseconds(case: Case, steps: int) -> dict[int, float]:
    """The median time of a step for each count."""
    fabric = Fabric(accelerator="cpu", devices=1)
    ways = {count: steps_of(case, fabric, count, steps) for count in COUNTS}
    times: dict[int, list[float]] = {count: [] for count in COUNTS}
    for index in range(steps + 1):
        for count, way in ways.items():
            start = time.perf_counter()
            way(case.batch, case.batch if count else None)
            if index:  # the first one warms up
                times[count].append(1000 * (time.perf_counter() - start))
    return {count: statistics.median(found) for count, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(
        "| network | warm-up, ms | 2 | 8 | 16 | 8 to 2 | 16 to 2 |\n|---|---|---|---|---|---|---|"
    )
    for case in cases():
        found = milliseconds(case, args.steps)
        times = " | ".join(f"{found[count]:.1f}" for count in COUNTS)
        print(f"| {case.name} | {times} | {found[8] / found[2]:.2f} | {found[16] / found[2]:.2f} |")
    taken = [(2 + count * SCORED) / (2 + 2 * SCORED) for count in (8, 16)]
    print(f"| taken to be | | | | | {taken[0]:.2f} | {taken[1]:.2f} |")


if __name__ == "__main__":
    main()
