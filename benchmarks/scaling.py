"""Steps of a search and of a retraining on one process and on two, a core each.

    python benchmarks/scaling.py [--turns 3] [--steps 6] [--quick]

The search is that of the paper's cells (C = 16, 8 cells) with 32 images of 32x32, or of its
auto-encoders (20 layers) with 4 images of 64x64, lambda 2: one process trains both architectures,
two train one each. The retraining is of a network of cells drawn uniformly, with 64 images: two
processes take 32 each. Cells have compiled operators where they can be had. Every process has one
thread. Processes are started in turns; times are medians over all steps but the first of a turn.
"CPU" is that of rank 0, which other programs on the machine slow down less, and "waited" the time
in exchanges. "sent" is what a rank gives the others in a step, by count.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.distributed.devices import Ddp
from pdas.distributed.launch import run_ranks
from pdas.kernels import choose_kernels
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import cell_space
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.cores import cores
from pdas.tasks.classification.recipe import RetrainSettings
from pdas.tasks.inpainting.task import restoration_loss
from pdas.training.retrain import TrainingModule, retrain

SIDES = {"1 process": 1, "2 processes": 2}


class Sent:
    """Seconds in exchanges and the numbers exchanged, of every call of `torch.distributed`."""

    def __init__(self) -> None:
        self.seconds, self.bytes = 0.0, 0
        for name in ("all_reduce", "all_gather"):
            setattr(dist, name, self._counted(getattr(dist, name)))

    def _counted(self, exchange: Callable[..., Any]) -> Callable[..., Any]:
        def counted(first: Any, *rest: Any, **named: Any) -> Any:
            start = time.perf_counter()
            done = exchange(first, *rest, **named)
            self.seconds += time.perf_counter() - start
            # Of `all_gather` the first argument is what is received from each rank.
            sent = first if isinstance(first, Tensor) else first[0]
            self.bytes += sent.numel() * sent.element_size()
            return done

        return counted


class Steps:
    """The time of each step, and what was exchanged in it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._sent = Sent()
        self._start = time.perf_counter()
        self._cpu = time.process_time()

    def __call__(self, progress: Any) -> None:
        now, cpu = time.perf_counter(), time.process_time()
        row = {"seconds": now - self._start, "cpu": cpu - self._cpu, "waited": self._sent.seconds}
        self.rows.append(row | {"bytes": float(self._sent.bytes)})
        self._sent.seconds, self._sent.bytes = 0.0, 0
        self._start, self._cpu = now, cpu


class Classified(TrainingModule[CellNetwork]):
    def forward(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"loss": F.cross_entropy(self.network(batch[0]), batch[1])}


def classified(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


def searched(
    net: nn.Module, loss: Any, batch: tuple[Tensor, Tensor], fabric: Fabric, **options: Any
) -> nn.Module:
    """Steps of the paper's search, which see the same batch on both sides."""
    half, size = TensorDataset(*batch), len(batch[0])
    pdas.search(net, loss, (half, half), batch_size=size, preset="paper", fabric=fabric, **options)
    return net


def cells(fabric: Fabric, steps: Steps, count: int) -> nn.Module:
    batch = torch.randn(32, 3, 32, 32), torch.randint(10, (32,))
    return searched(CellSupernet(), classified, batch, fabric, steps=count, on_step=steps)


def autoencoders(fabric: Fabric, steps: Steps, count: int) -> nn.Module:
    clean = torch.rand(4, 3, 64, 64)
    batch = clean * 0.5, clean
    net = AutoencoderSupernet()
    return searched(net, restoration_loss, batch, fabric, steps=count, on_step=steps)


def retraining(fabric: Fabric, steps: Steps, count: int) -> nn.Module:
    size = CellSettings(cells_per_stage=2, channels=24)
    architecture = pdas.PDAS(cell_space(size.nodes, size.operations), seed=1).ask(1)[0]
    net = CellNetwork(architecture, size, auxiliary=False)
    batch = torch.randn(64, 3, 32, 32), torch.randint(10, (64,))
    choose_kernels(net, "auto", fabric.device)
    settings = RetrainSettings(steps=count, epochs=None)
    retrain(Classified(net), [batch], settings, fabric, on_step=steps)
    return net


CASES = {case.__name__: case for case in (cells, autoencoders, retraining)}


def measure(case: str, ranks: int, count: int, out: Path) -> None:
    """What a rank does: the steps of a case; rank 0 adds them to a file."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    torch.set_num_threads(1)
    strategy = Ddp() if ranks > 1 else "auto"
    fabric = Fabric(accelerator="cpu", devices=ranks, strategy=strategy)
    if ranks > 1:
        fabric.launch()
    torch.manual_seed(0)
    steps = Steps()
    net = CASES[case](fabric, steps, count)
    if fabric.is_global_zero:
        weights = sum(parameter.numel() for parameter in net.parameters())
        out.write_text(json.dumps({"steps": steps.rows[1:], "weights": weights}))


def compare(case: str, turns: int, count: int) -> None:
    """A line of the table for each side."""
    rows: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    weights = 0
    for _ in range(turns):
        for side, ranks in SIDES.items():
            with tempfile.TemporaryDirectory() as directory:
                out = Path(directory) / "steps.json"
                own = ["--case", case, "--ranks", ranks]
                command = [sys.executable, __file__, *own, "--steps", count, "--out", out]
                assert run_ranks([str(word) for word in command], ranks) == 0
                found = json.loads(out.read_text())
            rows[side].extend(found["steps"])
            weights = found["weights"]
    one = statistics.median(row["seconds"] for row in rows["1 process"])
    for side, steps in rows.items():
        seconds, cpu, waited, sent = (
            statistics.median(row[name] for row in steps)
            for name in ("seconds", "cpu", "waited", "bytes")
        )
        print(
            f"{case:<14}{side:<13}{1e3 * seconds:>9.0f}{one / seconds:>9.2f}{1e3 * cpu:>9.0f}"
            f"{1e3 * waited:>11.1f}{sent / 1e6:>9.2f}{weights * 4 / 1e6:>11.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", choices=list(CASES))
    parser.add_argument("--ranks", type=int)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if args.case:
        measure(args.case, args.ranks, args.steps, args.out)
        return
    print(f"{cores()} cores, torch {torch.__version__}")
    print(
        f"{'case':<14}{'side':<13}{'ms/step':>9}{'speedup':>9}{'CPU ms':>9}"
        f"{'waited ms':>11}{'sent MB':>9}{'weights MB':>11}"
    )
    for case in CASES:
        compare(case, 1 if args.quick else args.turns, 3 if args.quick else args.steps)


if __name__ == "__main__":
    main()
