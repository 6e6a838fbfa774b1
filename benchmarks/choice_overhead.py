"""What choices cost: a call of one, and a step of a search beside the same passes by hand.

    python benchmarks/choice_overhead.py [--threads N] [--pairs N] [--only NAME ...]

The networks are those of `benchmarks/choice_networks.py`. The step by hand is what a training loop
would have: forward passes of two architectures, backward, clipping, SGD with its schedule, and
forward passes of the other batch. It is handed the architectures that the search drew.
`pdas.search`, which is measured from one call of `on_step` to the next, also draws them, updates
theta, gives each call a batch of its own, and keeps measures. Both sides start from the same
weights, have the same batches and take turns. Times are medians of CPU time, so that other programs
count little; with several threads it is the sum over them. The difference of losses is printed: by
hand, weight decay and momentum also reach what lies beyond a slice. `pdas` puts a slice together of
blocks instead, so that an update reaches what was used and nothing else; the table has that as a
part of its own.

Then the same is measured again with a clock around each part, which tells where the time goes. The
clocks themselves take some microseconds a step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from choice_networks import Images, ImagesByHand, Table, TableByHand
from parts import Parts, Place
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR

import pdas
from pdas.methods.sampled.step import SearchStep
from pdas.nn import Choice, InputChoice, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.elastic.base import ElasticWeight
from pdas.space import Architecture
from pdas.training.candidates import BoundModel
from pdas.training.own_batch import OwnBatch
from pdas.training.weights.training import WeightTraining

CALLS = 2000  # of a choice, a round
ROUNDS = 15
WARM = 10  # steps that are not counted
CLIP = 5.0
Batch = tuple[Tensor, Tensor]

FORWARD, BACKWARD, CLEARED = "forward passes", "backward pass", "gradients cleared"
CLIPPED, UPDATED, REST = "gradients clipped", "weights updated", "the rest of the loop"
PLACES: dict[str, Sequence[Place]] = {
    "weights put together": [(ElasticWeight, "selected")],
    BACKWARD: [(torch.Tensor, "backward")],
    CLEARED: [(WeightTraining, "clear")],
    CLIPPED: [(nn.utils, "get_total_norm"), (nn.utils, "clip_grads_with_norm_")],
    UPDATED: [(WeightTraining, "apply")],
    "architectures drawn, theta updated": [(pdas.PDAS, "ask"), (pdas.PDAS, "tell")],
    "measures of theta": [(pdas.PDAS, "measures")],
    "variables in use": [(Supernet, "active")],
    "an architecture selected": [(BoundModel, "__call__")],
    "batches of one's own": [(OwnBatch, "__call__")],
    "the rest of the step": [(SearchStep, "__call__")],
}


class Pass(nn.Module):
    """A candidate that does nothing, so that only the call is measured."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Batches:
    """Random batches, made before the search."""

    def __init__(self, shape: tuple[int, ...], count: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._batches = [
            (torch.randn(*shape, generator=generator),
             torch.randint(10, shape[:1], generator=generator))
            for _ in range(count)
        ]  # fmt: skip

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def loss(model: Callable[..., Tensor], batch: Batch) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


class Recorded(pdas.PDAS):
    """Keeps what it drew last, and the losses that it was told."""

    drawn: Sequence[Architecture] = ()
    losses: Sequence[float] = ()

    def ask(self, n: int | None = None) -> list[Architecture]:
        self.drawn = super().ask(n)
        return list(self.drawn)

    def tell(self, architectures, losses, active=None) -> None:  # type: ignore[no-untyped-def]
        self.losses = losses
        super().tell(architectures, losses, active)


def sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=0.025, momentum=0.9, weight_decay=3e-4, foreach=True)


def constant(optimizer: torch.optim.Optimizer, steps: int) -> ConstantLR:
    return ConstantLR(optimizer, factor=1.0)


class ByHand:
    """The loop that one would write for a network by hand."""

    def __init__(self, network: nn.Module, parts: Parts | None) -> None:
        own: Callable[..., Any] = (lambda part, f: f) if parts is None else parts.of
        self._network = network
        self._optimizer = sgd(network.parameters())
        self._schedule = constant(self._optimizer, 0)
        self._update = own(UPDATED, self._optimizer.step)
        self._clear = own(CLEARED, partial(self._optimizer.zero_grad, set_to_none=True))
        self._clip = own(CLIPPED, nn.utils.clip_grad_norm_)
        self._backward = own(BACKWARD, Tensor.backward)
        self._loss = own(FORWARD, self._loss_of)

    def _loss_of(self, batch: Batch, architecture: Architecture) -> Tensor:
        return F.cross_entropy(self._network(batch[0], architecture), batch[1])

    def __call__(
        self, architectures: Sequence[Architecture], first: Batch, second: Batch
    ) -> list[float]:
        losses = [self._loss(first, a) for a in architectures]
        self._clear()
        self._backward(torch.stack(losses).mean())
        self._clip(self._network.parameters(), CLIP)
        self._update()
        self._schedule.step()
        with torch.no_grad():
            return [float(self._loss(second, a)) for a in architectures]


@dataclass
class Case:
    """A network with choices, the same by hand, and the shape of its inputs."""

    name: str
    network: Callable[[], nn.Module]
    by_hand: Callable[[Supernet], nn.Module]
    shape: tuple[int, ...]


CASES = (
    Case("table of 64x32", Table, TableByHand, (64, 32)),
    Case("table of 1024x32", partial(Table, (64, 128, 256)), TableByHand, (1024, 32)),
    Case("64 images of 32x32", Images, ImagesByHand, (64, 3, 32, 32)),
)


@dataclass
class Measured:
    """Seconds of each side's steps, the largest difference of losses, and the parts of both."""

    ours: list[float]
    theirs: list[float]
    difference: float
    parts: tuple[Parts, Parts]

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))


def measure(case: Case, pairs: int, *, with_parts: bool) -> Measured:
    """Run a search of so many steps, and after each of them the same step by hand."""
    clock = time.process_time
    torch.manual_seed(0)
    net = Supernet(case.network())
    found = Measured([], [], 0.0, (Parts(clock), Parts(clock)))
    ours, theirs = found.parts
    by_hand = ByHand(case.by_hand(net), theirs if with_parts else None)
    optimizer = Recorded(net.space, seed=0)
    steps = WARM + pairs
    batches = [Batches(case.shape, steps, seed) for seed in (0, 1)]
    both = zip(*batches, strict=True)
    start = 0.0

    def on_step(progress: pdas.Progress) -> None:
        nonlocal start
        middle = clock()
        losses = by_hand(optimizer.drawn, *next(both))
        end = clock()
        if progress.step <= WARM:
            ours.seconds.clear()
            theirs.seconds.clear()
        else:
            found.ours.append(middle - start)
            found.theirs.append(end - middle)
        pairs = zip(losses, optimizer.losses, strict=True)
        found.difference = max(found.difference, *(abs(a - b) for a, b in pairs))
        start = clock()

    def search() -> None:
        pdas.search(
            net, own_loss, tuple(batches), method=optimizer, preset="paper", steps=steps, clip=CLIP,
            weights=sgd, schedule=constant, on_step=on_step, progress=False,
        )  # fmt: skip

    own_loss = ours.of(FORWARD, loss) if with_parts else loss
    if not with_parts:
        search()
        return found
    with ours.timed({FORWARD: [(net.module, "forward")], **PLACES}):
        search()
    return found


def print_parts(case: Case, found: Measured) -> None:
    """Where the time of a step goes, with the share of each part in the step by hand."""
    steps = len(found.ours)
    ours, theirs = (parts.seconds for parts in found.parts)
    whole, by_hand = sum(found.ours), sum(found.theirs)
    ours[REST] = whole - sum(ours.values())
    theirs[REST] = by_hand - sum(theirs.values())
    print(f"\n{case.name:<36} {'pdas':>8} {'by hand':>8}   more, in % of the step by hand")
    parts = (FORWARD, BACKWARD, CLEARED, CLIPPED, UPDATED)
    for part in (*parts, *(part for part in PLACES if part not in parts), REST):
        a, b = ours.get(part, 0.0), theirs.get(part, 0.0)
        share = 100 * (a - b) / by_hand
        print(f"  {part:<34} {1e3 * a / steps:8.3f} {1e3 * b / steps:8.3f}   {share:6.1f}")
    share = 100 * (whole / by_hand - 1)
    print(f"  {'all':<34} {1e3 * whole / steps:8.3f} {1e3 * by_hand / steps:8.3f}   {share:6.1f}")


def microseconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return 1e6 * (time.process_time() - start) / CALLS


def measure_calls() -> None:
    x = torch.randn(2, 4)
    candidate = Pass()
    choices: dict[str, tuple[nn.Module, Callable[[nn.Module], object]]] = {
        "Choice": (Choice("c", {"a": candidate, "b": Pass()}), lambda c: c(x)),
        "OptionalLayer": (OptionalLayer("o", candidate), lambda c: c(x)),
        "Repeat of one": (Repeat("r", [candidate]), lambda c: c(x)),
        "InputChoice": (InputChoice("i", 2), lambda c: c([x, x])),
        "Value": (Value("v", [1, 2]), lambda c: c.value),  # type: ignore[attr-defined]
    }
    print(f"{'a call, over calling the candidate':<36} microseconds (median of {ROUNDS} rounds)")
    for name, (choice, use) in choices.items():
        choice.select(0)  # type: ignore[operator]
        extra = []
        for _ in range(ROUNDS):
            calls_candidate = name in ("Choice", "OptionalLayer", "Repeat of one")
            alone = microseconds(lambda: candidate(x)) if calls_candidate else 0.0
            extra.append(microseconds(lambda use=use, choice=choice: use(choice)) - alone)
        print(f"{name:<36} {statistics.median(extra):5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--only", nargs="*", help="'calls', or the beginning of the name of a case")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    wanted = tuple(arguments.only or [""])
    if "calls".startswith(wanted):
        measure_calls()
    for case in (case for case in CASES if case.name.startswith(wanted)):
        found = measure(case, arguments.pairs, with_parts=False)
        print(
            f"\na step, {case.name}: {found.ratio:.3f} times the same passes by hand "
            f"({1e3 * statistics.median(found.ours):.2f} ms against "
            f"{1e3 * statistics.median(found.theirs):.2f} ms; "
            f"losses differ by {found.difference:.1e})"
        )
        print_parts(case, measure(case, arguments.pairs, with_parts=True))


if __name__ == "__main__":
    main()
