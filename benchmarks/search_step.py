"""A whole step of the search against a plain implementation of the same arithmetic.

    python benchmarks/search_step.py [--task inpainting] [--pairs 12] [--threads N] [--quick]

One step of Algorithm 1 with lambda 2: with the paper's network of cells (C = 16, 8 cells) and 64
images of 32x32, or with its auto-encoders (20 layers) and 16 images of 64x64. Both sides start from
the same weights and get the same architectures, drawn uniformly, and the same images; they run in
turns in one process and times are medians over the pairs of architectures. The plain side is
`benchmarks/plain.py`, or `benchmarks/padded.py`, which pads to 256 channels; it runs forward and
backward for one architecture after the other, which needs the least memory. First the two sides are
checked against each other; peak memory is that of a fresh process for each side.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from padded import PaddedAutoencoder, to_padded
from padded import load_from as load_padded
from plain import PlainNetwork, load_from, to_plain
from roofline import CountWork, measured_rates
from torch import Tensor, nn

from pdas.nn import OPERATIONS, AutoencoderSupernet, CellSupernet
from pdas.nn.autoencoder import ChainSettings, autoencoder_space
from pdas.nn.cell import cell_space
from pdas.optim import PDAS
from pdas.space import Architecture

PHASES = ("forward", "backward", "weight update", "theta forward", "theta update")
NAMES = ("plain", "ours")
LAMBDA = 2
Pair = list[Architecture]
Batch = tuple[Tensor, Tensor]
Criterion = Callable[[Tensor, Tensor], Tensor]


class Side:
    """One implementation of the step, with its own weights and its own distribution."""

    def __init__(
        self, net: nn.Module, space: Any, criterion: Criterion, weight_decay: float = 0.0
    ) -> None:
        self.net = net
        self.criterion = criterion
        self.theta = PDAS(space, seed=0)
        self.sgd = torch.optim.SGD(
            net.parameters(), lr=0.025, momentum=0.9, weight_decay=weight_decay
        )

    def step(self, pair: Pair, weight_batch: Batch, theta_batch: Batch) -> dict[str, float]:
        """Run the step; seconds of each phase."""
        clock = Clock()
        self.sgd.zero_grad(set_to_none=True)
        self.gradient(pair, weight_batch, clock)
        nn.utils.clip_grad_norm_(self.net.parameters(), 5)
        self.sgd.step()
        clock("weight update")
        with torch.no_grad():
            losses = [float(loss) for loss in self.losses(pair, theta_batch)]
        clock("theta forward")
        self.theta.ask(LAMBDA)  # timed with the update; the pair is the same on both sides
        self.theta.tell(pair, losses)
        clock("theta update")
        return clock.seconds

    def losses(self, pair: Pair, batch: Batch) -> list[Tensor]:
        """The loss of each architecture."""
        x, y = batch
        return [self.criterion(out, y) for out in self.outputs(x, pair)]

    def outputs(self, x: Tensor, pair: Pair) -> list[Tensor]:
        """The output of each architecture."""
        raise NotImplementedError

    def gradient(self, pair: Pair, batch: Batch, clock: Clock) -> None:
        """Leave the gradient of the mean loss, equation (2), in the parameters."""
        raise NotImplementedError


class Ours(Side):
    """The supernet, all architectures of a step together."""

    def outputs(self, x: Tensor, pair: Pair) -> list[Tensor]:
        return self.net.forward_many(x, pair)

    def gradient(self, pair: Pair, batch: Batch, clock: Clock) -> None:
        loss = torch.stack(self.losses(pair, batch)).mean()
        clock("forward")
        loss.backward()
        clock("backward")


class Plain(Side):
    """The plain network, one architecture after the other."""

    def outputs(self, x: Tensor, pair: Pair) -> list[Tensor]:
        return [self.net(x, architecture) for architecture in pair]

    def gradient(self, pair: Pair, batch: Batch, clock: Clock) -> None:
        for architecture in pair:
            loss = self.losses([architecture], batch)[0] / LAMBDA
            clock("forward")
            loss.backward()
            clock("backward")


class Clock:
    """Adds the time since the last call to a phase."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._last = time.perf_counter()

    def __call__(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] += now - self._last
        self._last = now


class Cells:
    """Image classification with the space of cells."""

    size = 64

    def side(self, name: str) -> Side:
        """A side with weights of its own."""
        space = cell_space(5, tuple(OPERATIONS))
        if name == "ours":
            return Ours(CellSupernet(channels=16), space, F.cross_entropy, 3e-4)
        return Plain(PlainNetwork(channels=16), space, F.cross_entropy, 3e-4)

    def batch(self, size: int = size, dtype: torch.dtype = torch.float32) -> Batch:
        """Random images and classes."""
        return torch.randn(size, 3, 32, 32, dtype=dtype), torch.randint(10, (size,))

    to_plain = staticmethod(to_plain)
    load = staticmethod(load_from)
    compared = staticmethod(lambda side, pair, data: side.losses(pair, data))


class Inpainting:
    """Inpainting with the space of auto-encoders."""

    size = 16

    def side(self, name: str) -> Side:
        """A side with weights of its own."""
        space = autoencoder_space(ChainSettings())
        if name == "ours":
            return Ours(AutoencoderSupernet(), space, F.mse_loss)
        return Plain(PaddedAutoencoder(), space, F.mse_loss)

    def batch(self, size: int = size, dtype: torch.dtype = torch.float32) -> Batch:
        """Random images with a masked centre, and the whole ones."""
        images = torch.rand(size, 3, 64, 64, dtype=dtype)
        masked = images.clone()
        masked[:, :, 16:48, 16:48] = 0
        return masked, images

    to_plain = staticmethod(to_padded)
    load = staticmethod(load_padded)
    # The output of an untrained auto-encoder is small: its loss is nearly that of 0.
    compared = staticmethod(lambda side, pair, data: side.outputs(data[0], pair))


Task = Cells | Inpainting
TASKS: dict[str, Task] = {"cells": Cells(), "inpainting": Inpainting()}


def sides(task: Task, dtype: torch.dtype = torch.float32) -> dict[str, Side]:
    """Both sides with the same weights."""
    torch.manual_seed(0)
    both = {name: task.side(name) for name in NAMES}
    task.load(both["plain"].net, both["ours"].net)
    for side in both.values():
        side.net.to(dtype)
    return both


def pairs(space: Any, count: int) -> list[Pair]:
    """Architectures drawn uniformly, as at the start of a search."""
    rng = np.random.default_rng(1)
    return [[space.uniform(rng) for _ in range(LAMBDA)] for _ in range(count)]


def check(task: Task) -> None:
    """What is compared agrees to 1e-10 in float64, with the gradients, and to 1e-4 in float32."""
    both = sides(task, torch.float64)
    data = task.batch(4, torch.float64)
    worst = worst_gradient = 0.0
    for pair in pairs(both["ours"].theta.space, 2):
        found, gradients = {}, {}
        for name, side in both.items():
            side.net.zero_grad(set_to_none=True)
            found[name] = [result.detach() for result in task.compared(side, pair, data)]
            side.gradient(pair, data, Clock())
            gradients[name] = {
                n: torch.zeros_like(p) if p.grad is None else p.grad
                for n, p in side.net.named_parameters()
            }
        ours = task.to_plain(gradients["ours"])
        worst = max(worst, *map(difference, found["ours"], found["plain"]))
        for name, reference in gradients["plain"].items():
            worst_gradient = max(worst_gradient, difference(ours[name], reference))
    print(f"float64: results differ by {worst:.1e}, gradients by {worst_gradient:.1e}")
    assert worst < 1e-10 and worst_gradient < 1e-10

    both = sides(task)
    data = task.batch(16)
    with torch.no_grad():
        worst = max(
            difference(ours, plain)
            for pair in pairs(both["ours"].theta.space, 4)
            for plain, ours in zip(
                *(task.compared(side, pair, data) for side in both.values()), strict=True
            )
        )
    print(f"float32: results differ by {worst:.1e}")
    assert worst < 1e-4


def difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference relative to the largest expected value."""
    error = float((found - expected).abs().max())
    return error and error / float(expected.abs().max())


def timed(task: Task, count: int) -> dict[str, list[dict[str, float]]]:
    """Seconds of each phase for each side and pair, after one step of each to warm up."""
    both = sides(task)
    data = task.batch(), task.batch()
    times: dict[str, list[dict[str, float]]] = {name: [] for name in both}
    for index, pair in enumerate(pairs(both["ours"].theta.space, count + 1)):
        order = list(both) if index % 2 else list(both)[::-1]
        for name in order:
            seconds = both[name].step(pair, *data)
            if index > 0:
                times[name].append(seconds)
    return times


def print_times(times: dict[str, list[dict[str, float]]]) -> None:
    """The table of phases, the ratios and the share of the optimizer."""
    totals = {name: [sum(row.values()) for row in rows] for name, rows in times.items()}
    print(f"\n{'median ms':<15}{'plain':>9}{'ours':>9}{'ratio':>9}")
    for phase in PHASES:
        print_row(phase, *([row[phase] for row in times[name]] for name in NAMES))
    print_row("step", totals["plain"], totals["ours"])
    ratios = [a / b for a, b in zip(totals["plain"], totals["ours"], strict=True)]
    print(
        f"ratio pair by pair: median {statistics.median(ratios):.2f}, "
        f"from {min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} pairs"
    )
    theta = statistics.median(row["theta update"] for row in times["ours"])
    share = theta / statistics.median(totals["ours"])
    print(f"share of the optimizer (ask and tell) in our step: {share:.3%} (wanted: under 1 %)")


def print_row(name: str, plain: Sequence[float], ours: Sequence[float]) -> None:
    """One row of the table."""
    a, b = statistics.median(plain), statistics.median(ours)
    print(f"{name:<15}{a * 1e3:>9.1f}{b * 1e3:>9.1f}{a / b:>9.2f}")


def print_roofline(task: Task, times: dict[str, list[dict[str, float]]]) -> None:
    """Least time of our step by counted work and measured rates, and our share of it."""
    rates = measured_rates()
    both = sides(task)
    data = task.batch(), task.batch()
    least, flops, size = [], [], []
    for pair in pairs(both["ours"].theta.space, 1 + len(times["ours"]))[1:]:
        with CountWork() as count:
            both["ours"].step(pair, *data)
        least.append(count.seconds(rates))
        flops.append(count.totals[0])
        size.append(count.totals[1])
    shares = [a / sum(b.values()) for a, b in zip(least, times["ours"], strict=True)]
    print(
        f"\nroofline: {rates[0] / 1e9:.0f} GFLOP/s, {rates[1] / 1e9:.1f} GB/s; our step has "
        f"{statistics.median(flops) / 1e9:.1f} GFLOP and moves {statistics.median(size) / 1e9:.1f} "
        f"GB, at least {statistics.median(least) * 1e3:.0f} ms: "
        f"we reach {statistics.median(shares):.0%}"
    )


def peak_memory(task: str, name: str, threads: int, steps: int) -> tuple[float, float]:
    """MB before and at the peak of the steps of a side in a fresh process."""
    arguments = ["--task", task, "--threads", str(threads), "--memory-of", name]
    arguments += ["--pairs", str(steps)]
    out = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, capture_output=True, text=True
    )
    before, peak = map(float, out.stdout.split())
    return before, peak


def print_memory_of(task: Task, name: str, steps: int) -> None:
    """Run steps of a side; print the peak memory before and after."""
    side = task.side(name)
    data = task.batch(), task.batch()
    before = peak_so_far()
    for pair in pairs(side.theta.space, steps):
        side.step(pair, *data)
    print(before, peak_so_far())


def peak_so_far() -> float:
    """Largest resident memory of this process until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Parse the arguments and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=tuple(TASKS), default="cells")
    parser.add_argument("--pairs", type=int, default=12, help="pairs of architectures")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="3 pairs")
    parser.add_argument("--memory-of", choices=NAMES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        print_memory_of(TASKS[arguments.task], arguments.memory_of, arguments.pairs)
        return
    task, count = TASKS[arguments.task], 3 if arguments.quick else arguments.pairs
    print(f"torch {torch.__version__}, {arguments.threads} threads")
    for name in NAMES:  # first: a process inherits the peak of the one it comes from
        before, peak = peak_memory(arguments.task, name, arguments.threads, count)
        print(f"peak memory, {name}: {peak:.0f} MB, of which the steps {peak - before:.0f} MB")
    check(task)
    times = timed(task, count)
    print_times(times)
    print_roofline(task, times)


if __name__ == "__main__":
    main()
