"""What choices cost: a call of one, and a step of a search beside the same passes by hand.

    python benchmarks/choice_overhead.py [--threads N] [--pairs N]

The hand-written network has the same weights as plain tensors and modules; it slices them, and runs
what an architecture has by `if` and index. Its step is what a training loop would have: forward
passes of two architectures, backward, clipping, SGD, and forward passes of the other batch. It is
handed the architectures that the search drew; `pdas` also draws them and updates theta. Both sides
start from the same weights and take turns. The difference of their losses is printed: by hand,
weight decay and momentum also reach what lies beyond a slice.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR

from pdas import PDAS
from pdas.distributed.ranks import Ranks
from pdas.methods.sampled.step import SearchStep
from pdas.methods.settings import SearchSettings
from pdas.nn import Choice, Conv2d, InputChoice, Linear, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.elastic.base import ElasticWeight
from pdas.space import Architecture
from pdas.training.candidates import Candidates
from pdas.training.weights import WeightTraining

CALLS = 2000  # of a choice, a round
ROUNDS = 15


class Pass(nn.Module):
    """A candidate that does nothing, so that only the call is measured."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Images(nn.Module):
    """A small network for images of 32x32, with choices of every kind."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [16, 32])
        self.stem = Conv2d(3, width, 3, padding=1)
        self.mix = Conv2d(width, 32, 1)
        self.stage1 = nn.ModuleList(stage(f"a{i}") for i in range(3))
        self.extra = OptionalLayer("extra", nn.Conv2d(32, 32, 3, padding=1))
        self.stage2 = Repeat("depth", [block(f"b{i}") for i in range(3)], [1, 2, 3])
        self.source = InputChoice("source", 2)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.mix(F.relu(self.stem(x))))
        for layer in self.stage1:
            x = F.relu(layer(x))
        x = F.max_pool2d(self.extra(x), 2)
        x = self.source([x, self.stage2(x)])
        out: Tensor = self.head(x.mean((2, 3)))
        return out


class Table(nn.Module):
    """A small network for tables, whose layers take less time than what is around them."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [32, 64, 128])
        self.first = Linear(32, width)
        self.layers = Repeat("depth", [TableLayer(f"layer{i}", width) for i in range(3)])
        self.last = Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.layers(self.first(x)))
        return out


class TableLayer(nn.Module):
    def __init__(self, name: str, width: Value) -> None:
        super().__init__()
        self.linear = Linear(width, width)
        self.act = Choice(name, {"relu": nn.ReLU(), "tanh": nn.Tanh()})

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(self.linear(x))
        return out


def stage(name: str) -> Choice:
    kernels = {f"conv{k}": nn.Conv2d(32, 32, k, padding=k // 2) for k in (1, 3, 5)}
    return Choice(name, kernels)


def block(name: str) -> nn.Module:
    return nn.Sequential(stage(name), nn.ReLU())


class ByHand(nn.Module):
    """The same weights without choices; `run` is what one would write for an architecture."""

    def __init__(self, net: Supernet) -> None:
        super().__init__()
        whole = {name: m for name, m in net.module.named_modules() if isinstance(m, ElasticWeight)}
        self.weights = nn.ParameterDict(
            {
                name.replace(".", "_"): nn.Parameter(weight.whole().detach())
                for name, weight in whole.items()
            }
        )

    def slice(self, name: str, *size: int) -> Tensor:
        weight: Tensor = self.weights[name]
        return weight[tuple(slice(n) for n in size)]


class ImagesByHand(ByHand):
    def __init__(self, net: Supernet) -> None:
        super().__init__(net)
        module = net.module
        assert isinstance(module, Images)
        self.stage1 = nn.ModuleList(options(choice) for choice in module.stage1)
        self.stage2 = nn.ModuleList(options(b[0]) for b in module.stage2.children())
        self.extra, self.head = copy.deepcopy(module.extra.candidate(0)), copy.deepcopy(module.head)

    def forward(self, x: Tensor, a: Architecture) -> Tensor:
        w = int(a["width"])
        x = F.conv2d(x, self.slice("stem_weight", w), self.slice("stem_bias", w), padding=1)
        x = F.conv2d(F.relu(x), self.slice("mix_weight", 32, w), self.slice("mix_bias", 32))
        x = F.relu(x)
        for i, convolutions in enumerate(self.stage1):
            x = F.relu(convolutions[a[f"a{i}"]](x))
        x = F.max_pool2d(self.extra(x) if a["extra"] else x, 2)
        y = x
        for i in range(int(a["depth"])):
            y = F.relu(self.stage2[i][a[f"b{i}"]](y))
        out: Tensor = self.head((y if a["source"] else x).mean((2, 3)))
        return out


class TableByHand(ByHand):
    def forward(self, x: Tensor, a: Architecture) -> Tensor:
        w = int(a["width"])
        x = F.linear(x, self.slice("first_weight", w), self.slice("first_bias", w))
        for i in range(int(a["depth"])):
            weight, bias = (self.slice(f"layers_{i}_linear_{n}", *s) for n, s in
                            (("weight", (w, w)), ("bias", (w,))))  # fmt: skip
            x = F.linear(x, weight, bias)
            x = F.relu(x) if a[f"layer{i}"] == "relu" else torch.tanh(x)
        return F.linear(x, self.slice("last_weight", 10, w), self.slice("last_bias", 10))


def options(choice: nn.Module) -> nn.ModuleDict:
    assert isinstance(choice, Choice)
    labels = map(str, choice.variable.categories)
    return nn.ModuleDict(
        {label: copy.deepcopy(m) for label, m in zip(labels, choice.children(), strict=True)}
    )


def loss(model: Callable[..., Tensor], batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


class Recorded(PDAS):
    """Keeps what it drew last, and the losses that it was told."""

    drawn: Sequence[Architecture] = ()
    losses: Sequence[float] = ()

    def ask(self, n: int | None = None) -> list[Architecture]:
        architectures = super().ask(n)
        self.drawn = architectures
        return architectures

    def tell(self, architectures, losses, active=None) -> None:  # type: ignore[no-untyped-def]
        self.losses = losses
        super().tell(architectures, losses, active)


def sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=0.025, momentum=0.9, weight_decay=3e-4)


def measure_step(
    net: Supernet, by_hand: nn.Module, shape: tuple[int, ...], pairs: int
) -> tuple[list[float], list[float], float]:
    """Seconds of each side's steps, and the largest difference of their losses."""
    fabric = Fabric(accelerator="cpu", devices=1)
    optimizer = Recorded(net.space, seed=0)
    weights = WeightTraining(
        Candidates(net),
        SearchSettings(clip=5.0),
        fabric,
        Ranks(fabric),
        steps=pairs,
        per_epoch=pairs,
        make_optimizer=sgd,
        make_schedule=lambda optimizer, steps: ConstantLR(optimizer, factor=1.0),
    )
    step = SearchStep(fabric, weights.network, loss, optimizer, weights, active=net.active)
    hand_optimizer = sgd(by_hand.parameters())
    generator = torch.Generator().manual_seed(0)
    ours, theirs, difference = [], [], 0.0
    for _ in range(pairs):
        batches = [
            (torch.randn(*shape, generator=generator),
             torch.randint(10, shape[:1], generator=generator))
            for _ in range(2)
        ]  # fmt: skip
        start = time.perf_counter()
        step(*batches)
        middle = time.perf_counter()
        losses = step_by_hand(by_hand, hand_optimizer, optimizer.drawn, *batches)
        theirs.append(time.perf_counter() - middle)
        ours.append(middle - start)
        pair = zip(losses, optimizer.losses, strict=True)
        difference = max(difference, *(abs(a - b) for a, b in pair))
    return ours, theirs, difference


def step_by_hand(
    network: nn.Module,
    optimizer: torch.optim.SGD,
    architectures: Sequence[Architecture],
    first: tuple[Tensor, Tensor],
    second: tuple[Tensor, Tensor],
) -> list[float]:
    losses = [F.cross_entropy(network(first[0], a), first[1]) for a in architectures]
    optimizer.zero_grad(set_to_none=True)
    torch.stack(losses).mean().backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    with torch.no_grad():
        return [float(F.cross_entropy(network(second[0], a), second[1])) for a in architectures]


def microseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return 1e6 * (time.perf_counter() - start) / CALLS


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
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--pairs", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    measure_calls()
    print(f"\n{'a step, ' + str(arguments.threads) + ' threads':<36} pdas / by hand, median pair")
    for name, kind, by_hand, shape in (
        ("images (64, 3, 32, 32)", Images, ImagesByHand, (64, 3, 32, 32)),
        ("table (64, 32)", Table, TableByHand, (64, 32)),
    ):
        torch.manual_seed(0)
        net = Supernet(kind())
        measure_step(net, by_hand(net), shape, 5)
        net = Supernet(kind())
        ours, theirs, difference = measure_step(net, by_hand(net), shape, arguments.pairs)
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"{name:<36} {ratio:.3f}   ({1e3 * statistics.median(ours):.2f} ms against "
            f"{1e3 * statistics.median(theirs):.2f} ms; losses differ by {difference:.1e})"
        )


if __name__ == "__main__":
    main()
