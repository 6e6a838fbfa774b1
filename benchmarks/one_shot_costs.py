"""What a step of each method with shared weights costs, against one of the paper's search.

    python benchmarks/one_shot_costs.py [--batch 64] [--rounds 3] [--steps 2] [--methods A,B]

On the paper's search network: two normal cells a stage, 16 channels, images of 32x32. The methods
run in turns in one process, each round a short search of its own, whose first step is not timed.
Beside the medians of CPU seconds stand the training passes of a step, as the plan counts them, and
the most bytes that autograd kept at a time. Scorings of architectures, which come between steps,
are in the plan's number only.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import Subset, TensorDataset

import pdas
from pdas.methods.components import METHODS
from pdas.spaces.cells.supernet import CellSupernet

DEFAULT = "pdas, the default"
NAMES = ("pdas", DEFAULT, "enas", "rsps", "nao-ws", "smash", "darts-1", "mixture", "darts-2")
IMAGES = 50_000  # so that an epoch is as long as in the paper
# A search that is stopped compares all candidates, which here are few.
SETTINGS = {"smash": {"random": 1, "changed": 0, "chain": 0}}
EPOCHS = 200  # of the plan, of which only the first steps are run


class Kept:
    """The bytes that autograd keeps for the backward pass: those of now, and the most."""

    def __init__(self) -> None:
        self.peak = self._now = 0
        self._users: Counter[int] = Counter()

    def change(self, tensor: Tensor, users: int) -> None:
        """Count a storage as long as somebody keeps a tensor of it."""
        storage = tensor.untyped_storage()
        before = self._users[storage.data_ptr()]
        self._users[storage.data_ptr()] += users
        if not before or not before + users:
            self._now += users * storage.nbytes()
            self.peak = max(self.peak, self._now)


class Saved:
    """A tensor that autograd keeps; it is counted until it is let go."""

    def __init__(self, tensor: Tensor, kept: Kept) -> None:
        self.tensor, self._kept = tensor, kept
        kept.change(tensor, 1)

    def __del__(self) -> None:
        self._kept.change(self.tensor, -1)


@contextmanager
def kept_bytes() -> Iterator[Kept]:
    """Counts within its block."""
    kept = Kept()

    def pack(tensor: Tensor) -> Any:
        return tensor if tensor.is_leaf and tensor.requires_grad else Saved(tensor, kept)

    def unpack(saved: Any) -> Tensor:
        return saved.tensor if isinstance(saved, Saved) else saved

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield kept


def loss(model: Any, batch: Any) -> dict[str, Tensor]:
    """That of a classifier."""
    logits = model(batch[0])
    right = (logits.detach().argmax(1) == batch[1]).float().mean()
    return {"loss": cross_entropy(logits, batch[1]), "accuracy": right}


def run(name: str, batch: int, steps: int) -> tuple[list[float], float]:
    """The CPU seconds of some steps, and the training passes of one by the plan."""
    torch.manual_seed(0)
    net = CellSupernet(cells_per_stage=2, channels=16)
    images = TensorDataset(torch.rand(batch, 3, 32, 32), torch.randint(10, (batch,)))
    data = Subset(images, [i % batch for i in range(IMAGES)])
    ends: list[float] = []

    def on_step(progress: pdas.Progress) -> bool:
        ends.append(time.process_time())
        return progress.step > steps

    is_default = name == DEFAULT
    result = pdas.search(
        net,
        loss,
        data,
        method={"name": "pdas" if is_default else name, **SETTINGS.get(name, {})},
        preset="default" if is_default else "paper",
        epochs=EPOCHS,
        batch_size=batch,
        finalists=0,
        on_step=on_step,
        **({"warmup": 0, "finalists_share": 0.0} if is_default else {}),
    )
    plan = result.method._context.plan
    seconds = [after - before for before, after in pairwise(ends)]
    return seconds, plan.cost_until(plan.steps) / plan.steps


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2, help="timed steps of each round")
    parser.add_argument("--methods", default=",".join(n for n in NAMES if n != DEFAULT))
    arguments = parser.parse_args()
    chosen = arguments.methods.split(",")
    names = [n for n in NAMES if n == DEFAULT or (n in METHODS and n in {"pdas", *chosen})]
    times: dict[str, list[float]] = {name: [] for name in names}
    passes, memory = {}, {}
    for index in range(arguments.rounds):
        for name in names if index % 2 else names[::-1]:
            seconds, passes[name] = run(name, arguments.batch, arguments.steps)
            times[name] += seconds
    for name in names:
        with kept_bytes() as kept:
            run(name, arguments.batch, 1)
        memory[name] = kept.peak / 2**20
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {arguments.batch}")
    print(
        "| method | step, CPU s | pdas = 1 | passes by the plan | pdas = 1 | kept, MiB | pdas = 1 |"
    )
    print("|---|---|---|---|---|---|---|")
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name in names:
        cells = []
        for values, form in ((medians, ".2f"), (passes, ".1f"), (memory, ".0f")):
            cells += [format(values[name], form), format(values[name] / values["pdas"], ".2f")]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
