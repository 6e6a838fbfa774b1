"""The search on up to 64 devices, simulated from measured steps and messages.

    python benchmarks/many_devices.py [--case cells] [--draws 64] [--turns 2] [--quick]

Measured on this machine:

- the CPU time of a step's parts for architectures drawn uniformly, one by one, with compiled
  operators where they can be had: forward and backward
  on D_W, forward on D_theta, update of weights and theta; and for two and four at once, which share
  what they have in common;
- which weights each uses, so how many bytes the gradient of any number of them has;
- messages of `Ranks` between two and four processes over gloo: the lower quartile. Those of flags
  and of measures between two are what each costs the host, on every network.

Assumed: the networks and devices of `NETWORKS` and `DEVICES`; a ring, which adds up a message of G
bytes with 2 (R - 1) / R G bytes and 2 (R - 1) hops, and gathers measures with R - 1; that more than
four at once share what four do; and that devices are as different in the time that they take for
two architectures as the core here. The slowest rank is waited for twice in a step, before the
gradients are added up and after the losses of theta.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

import pdas
from pdas.distributed.devices import Ddp
from pdas.distributed.launch import run_ranks
from pdas.distributed.ranks import Ranks
from pdas.kernels import choose_kernels
from pdas.methods.sampled.step import SearchStep
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.tasks.inpainting.task import restoration_loss
from pdas.training.candidates import Candidates, bind
from pdas.training.weights.training import WeightTraining

LAMBDA = 64
DEVICE_COUNTS = (1, 2, 4, 8, 16, 32, 64)
TOGETHER = (1, 2, 4)  # architectures at once on a device; more of them share as four do
REPEATS, MEGABYTES = 60, (0.0, 2.0, 8.0, 32.0)
SMALL, GATHERS = 1, 2  # messages of a step besides the gradient: flags, and measures (twice)


@dataclass(frozen=True)
class Network:
    """A network between devices, assumed."""

    bytes_per_second: float
    hop: float  # seconds for a message without content, from one device to the next


NETWORKS = {
    "10 GbE": Network(1.25e9, 30e-6),
    "100 GbE": Network(12.5e9, 15e-6),
    "NVLink": Network(300e9, 5e-6),
}
# Seconds of a step of two architectures. The first are those of the paper's GPU, by the length and
# the steps of its searches; the second are assumed to be ten times faster.
DEVICES = {
    "cells": {"paper's GPU": 0.27, "10 x": 0.027},
    "autoencoders": {"paper's GPU": 0.5, "10 x": 0.05},
}


def classified(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


def cells() -> tuple[Any, Any, Any]:
    batch = torch.randn(32, 3, 32, 32), torch.randint(10, (32,))
    return CellSupernet(), classified, batch


def autoencoders() -> tuple[Any, Any, Any]:
    clean = torch.rand(4, 3, 64, 64)
    return AutoencoderSupernet(), restoration_loss, (clean * 0.5, clean)


CASES = {case.__name__: case for case in (cells, autoencoders)}


@dataclass(frozen=True)
class Parts:
    """What a step is made of, of n architectures.

    Attributes:
        trained, judged: seconds on D_W and on D_theta, each `(n,)`.
        update: seconds of the update of weights and theta.
        together: by how many run at once, their seconds as a share of those one by one.
        used: whether an architecture uses a tensor of the weights, bool `(n, tensors)`.
        sizes: bytes of each tensor, `(tensors,)`.
    """

    trained: np.ndarray
    judged: np.ndarray
    update: float
    together: dict[int, float]
    used: np.ndarray
    sizes: np.ndarray


class Timed:
    """Times the parts of a step of a supernet, in CPU time of this process."""

    def __init__(self, case: str) -> None:
        torch.manual_seed(0)
        net, self._loss, self._batch = CASES[case]()
        print(f"\n{case}, kernels: {choose_kernels(net, 'auto', torch.device('cpu'))}", flush=True)
        self.optimizer = pdas.PDAS(net.space, seed=0)
        fabric = Fabric(accelerator="cpu", devices=1)
        settings = pdas.SearchSettings(steps=100, epochs=None)
        self._weights = WeightTraining(
            Candidates(net), settings, fabric, Ranks(fabric), steps=100, per_epoch=100
        )
        self._step = SearchStep(
            fabric, self._weights.network, self._loss, self.optimizer, self._weights
        )
        self.parameters: list[nn.Parameter] = [*net.parameters()]

    def trained(self, architectures: list[pdas.Architecture]) -> float:
        start = time.process_time()
        self._weights.clear()
        models = bind(self._weights.network, architectures)
        torch.stack([self._loss(model, self._batch) for model in models]).mean().backward()
        return time.process_time() - start

    def judged(self, architectures: list[pdas.Architecture]) -> float:
        start = time.process_time()
        self._step.measured(architectures, [self._batch])
        return time.process_time() - start

    def used(self) -> list[bool]:
        return [each.grad is not None for each in self.parameters]

    def updated(self) -> float:
        """After `trained`."""
        start = time.process_time()
        self._weights.apply()
        asked = self.optimizer.ask(LAMBDA)
        self.optimizer.tell(asked, np.arange(LAMBDA))
        return time.process_time() - start


def parts_of(case: str, draws: int, turns: int) -> Parts:
    """Measure the parts of a step; each time is the least of several turns."""
    timed = Timed(case)
    drawn = timed.optimizer.ask(draws)
    timed.trained(drawn[:1])  # to warm up
    one = np.array(
        [[(timed.trained([a]), timed.judged([a])) for a in drawn] for _ in range(turns)]
    ).min(0)
    used = []
    for each in drawn:
        timed.trained([each])
        used.append(timed.used())
    groups = {n: [drawn[i : i + n] for i in range(0, min(draws, 16), n)] for n in TOGETHER[1:]}
    together = {1: 1.0}
    for n, chosen in groups.items():
        seconds = [min(timed.trained(g) + timed.judged(g) for _ in range(turns)) for g in chosen]
        together[n] = sum(seconds) / float(one[: n * len(chosen)].sum())
    update = min(timed.updated() for _ in range(turns))
    sizes = np.array([each.numel() * each.element_size() for each in timed.parameters])
    return Parts(one[:, 0], one[:, 1], update, together, np.array(used), sizes)


def messages(ranks: int) -> dict[str, float]:
    """The seconds of messages between processes here, by name: the lower quartile."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "messages.json"
        words = [sys.executable, __file__, "--ranks", ranks, "--out", out]
        assert run_ranks([str(word) for word in words], ranks) == 0
        found: dict[str, float] = json.loads(out.read_text())
    return found


def send_messages(count: int, out: Path) -> None:
    """What a process of `messages` does."""
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=count, strategy=Ddp())
    fabric.launch()
    ranks = Ranks(fabric)
    measures = [{"loss": 0.5, "accuracy": 0.5}]
    gradients = {size: torch.zeros(int(size * 250_000) or 1) for size in MEGABYTES}
    calls = {
        "flags": lambda: ranks.any(True, False),
        "measures": lambda: ranks.gather(measures),
        **{f"{size:g} MB": lambda g=g: dist.all_reduce(g) for size, g in gradients.items()},
    }
    found = {}
    for name, call in calls.items():
        seconds = []
        for _ in range(REPEATS):
            dist.barrier()
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        found[name] = statistics.quantiles(seconds, n=4)[0]
    if fabric.is_global_zero:
        out.write_text(json.dumps(found))


def host_of(found: dict[str, float]) -> float:
    """What the small messages of a step cost the host, of those between two processes."""
    return SMALL * found["flags"] + GATHERS * found["measures"]


def exchange(network: Network, ranks: int, gradient: float, host: float) -> float:
    """The seconds of all messages of a step: one of flags, two of measures, the gradient."""
    if ranks == 1:
        return 0.0
    hops = (2 * (SMALL + 1) + GATHERS) * (ranks - 1)
    sent = 2 * (ranks - 1) / ranks * gradient
    return host + hops * network.hop + sent / network.bytes_per_second


@dataclass(frozen=True)
class Step:
    """A mean step.

    Attributes:
        seconds: on each network.
        slowest: how much longer the slowest rank computes than the mean of all.
        gradient: bytes of the gradient.
    """

    seconds: dict[str, float]
    slowest: float
    gradient: float


def simulated(
    parts: Parts, samples: int, ranks: int, scale: float, host: float, draws: int = 500
) -> Step:
    """A mean step of so many samples on so many ranks.

    Args:
        parts: of the architectures, of which samples are drawn with replacement.
        samples: lambda.
        ranks: a divisor of it.
        scale: the seconds of a device for one here.
        host: seconds of small messages.
        draws: steps.
    """
    rng = np.random.default_rng(0)
    each = samples // ranks
    share = parts.together[max(n for n in parts.together if n <= each)] * scale
    computed, means, gradients = [], [], []
    for _ in range(draws):
        chosen = rng.integers(len(parts.trained), size=(ranks, each))
        trained, judged = (part[chosen].sum(1) * share for part in (parts.trained, parts.judged))
        computed.append(trained.max() + judged.max())
        means.append(trained.mean() + judged.mean())
        gradients.append(parts.sizes[parts.used[chosen.ravel()].any(0)].sum())
    gradient = float(np.mean(gradients))
    alone = float(np.mean(computed)) + parts.update * scale
    seconds = {name: alone + exchange(net, ranks, gradient, host) for name, net in NETWORKS.items()}
    return Step(seconds, float(np.sum(computed) / np.sum(means)), gradient)


def print_case(case: str, parts: Parts, host: float) -> None:
    """A table for each device: lambda 64, and a step of one architecture for each device."""
    both = parts.trained + parts.judged
    at_once = ", ".join(f"{n}: {share:.2f}" for n, share in parts.together.items())
    print(f"\n{case}: {len(both)} architectures, {1e3 * both.mean():.0f} ms each, ", end="")
    print(f"standard deviation {1e3 * both.std(ddof=1):.0f}, most {1e3 * both.max():.0f};", end="")
    print(f" update {1e3 * parts.update:.0f} ms; several at once, of one by one: {at_once}")
    here = both.mean() * 2 * parts.together[2] + parts.update
    for device, seconds in DEVICES[case].items():
        scale = seconds / here
        print(f"\n{case}, {device}, {seconds} s for two architectures: steps per second at lambda")
        print(f"{LAMBDA} (efficiency); a step of lambda = devices, of one with 2 on 2\n")
        heads = [*NETWORKS, "slowest", "MB"] + [f"lambda = devices, {name}" for name in NETWORKS]
        print(f"| devices | {' | '.join(heads)} |\n|{'---:|' * (len(heads) + 1)}")
        first = simulated(parts, LAMBDA, 1, scale, host).seconds
        two = simulated(parts, 2, 2, scale, host).seconds
        for ranks in DEVICE_COUNTS:
            step = simulated(parts, LAMBDA, ranks, scale, host)
            cut = [
                f"{1 / seconds:.2f} ({first[name] / seconds / ranks:.0%})"
                for name, seconds in step.seconds.items()
            ]
            cut += [f"{step.slowest:.2f}", f"{step.gradient / 1e6:.2f}"]
            own = simulated(parts, max(2, ranks), max(2, ranks), scale, host).seconds
            cut += [f"{own[name] / two[name]:.2f}" for name in NETWORKS]
            print(f"| {ranks} | {' | '.join(cut)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=list(CASES))
    parser.add_argument("--draws", type=int, default=64, help="architectures that are timed")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--ranks", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ranks:
        send_messages(args.ranks, args.out)
        return
    torch.set_num_threads(1)
    found = {ranks: messages(ranks) for ranks in (2, 4)}
    for ranks, seconds in found.items():
        shown = ", ".join(f"{name} {1e3 * each:.2f}" for name, each in seconds.items())
        print(f"{ranks} processes, ms: {shown}", flush=True)
    for case in [args.case] if args.case else CASES:
        draws, turns = (4, 1) if args.quick else (args.draws, args.turns)
        print_case(case, parts_of(case, draws, turns), host_of(found[2]))


if __name__ == "__main__":
    main()
