"""What the tests of ranks run on each of them: `python -m tests.distributed.rank_worker OUT`.

Each rank writes what every case gave into `OUT/<rank>.pt`; alone, the test process runs the same
cases on one process.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas import recipes
from pdas.cost import FunctionCost
from pdas.data import disk
from pdas.data.augment import Augment, TrainingTransform
from pdas.data.batches import Batches
from pdas.data.disk import DiskImages
from pdas.data.files import found_in
from pdas.data.views.standardise import Standardise
from pdas.distributed.devices import Ddp
from pdas.distributed.exchange.messages import agreed
from pdas.distributed.ranks import Ranks
from pdas.experiment.stage_directory import Origin, stage_directory
from pdas.methods.settings import SearchSettings
from pdas.methods.trials.schedule import TrialSchedule
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError
from pdas.searches.method import method_for
from pdas.searches.run_search import run_search
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError, PdasError
from pdas.training.retrain import TrainingModule, retrain
from pdas.training.settings import TrainingSettings
from tests.distributed import rank_networks
from tests.made_up_photographs import made_up_photographs
from tests.methods.sampled.test_step import Pick, Script, make, values
from tests.methods.trials import trial_searches

paper_search = partial(pdas.search, preset="paper")

WORDS = [f"branch{i}" for i in range(12)]


class Branches(nn.Module):
    """Two layers, each one of twelve linear ones; `drop` of what is between them."""

    space = pdas.SearchSpace({"first": WORDS, "second": WORDS})

    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        self.first = nn.ModuleList(nn.Linear(4, 6) for _ in WORDS)
        self.second = nn.ModuleList(nn.Linear(6, 2) for _ in WORDS)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        first, second = (int(i) for i in architecture.indices)
        return self.second[second](self.drop(self.first[first](x).relu()))


def loss(model: Any, batch: list[Tensor]) -> dict[str, Tensor]:
    """Runs the model twice, which the wrapper of torch's DDP would not bear."""
    x, y = batch
    error = (model(x) - y).square().mean() + 0.1 * model(-x).square().mean()
    return {"loss": error, "error": error.detach().sqrt()}


def data() -> TensorDataset:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(64, 4, generator=generator)
    return TensorDataset(x, x[:, :2] * x[:, 2:])


def searched(fabric: Fabric, out: Path) -> dict[str, Any]:
    torch.manual_seed(fabric.global_rank)  # rank 0's weights are to be everyone's
    net = Branches()
    result = paper_search(net, loss, data(), steps=6, batch_size=8, fabric=fabric)
    return {
        "net": net.state_dict(),
        "optimizer": result.optimizer.state_dict(),
        "measures": result.history[-1].measures,
        "unused": [name for name, p in net.named_parameters() if p.grad is None],
    }


def with_finalists(fabric: Fabric, out: Path) -> dict[str, Any]:
    """A warm-up, further samples for theta, and trainings of finalists, five in turns of two."""
    torch.manual_seed(0)
    acts = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "none": nn.Identity()}
    layers = (nn.Linear(4, 8), pdas.nn.Choice("act", acts), pdas.nn.Choice("end", dict(acts)))
    net = pdas.nn.Supernet(nn.Sequential(*layers, nn.Linear(8, 2)))

    def error(model: Any, batch: list[Tensor]) -> Tensor:
        return (model(batch[0]) - batch[1] - batch[0][:, :2]).square().mean()

    result = pdas.search(
        net, error, data(), steps=60, batch_size=8, fabric=fabric, theta_samples=4, finalists=5,
        optimizer={"learning_rate": 0.03},
    )  # fmt: skip
    return {
        "theta": result.optimizer.theta_array.tolist(),
        "finalists": [finalist.to_plain() for finalist in result.finalists],
        "steps": result.history[-1].step,
    }


def in_one_step(fabric: Fabric, out: Path) -> list[str]:
    """Which weights have no gradient after a step of the architectures a and b."""
    net = Pick()
    make(net, Script("a", "b"), fabric=fabric)(torch.ones(2), torch.ones(2))
    return [name for name, weight in net.weights.items() if weight.grad is None]


def one_not_finite(fabric: Fabric, out: Path) -> Any:
    net, script = Pick(), Script("a", "b")
    with torch.no_grad():
        net.weights["b"].fill_(torch.nan)
    record = make(net, script, fabric=fabric)(torch.tensor([4.0]), torch.ones(1))
    return values(net)["a"], net.weights["b"].grad, script.told, record.weights


def none_finite(fabric: Fabric, out: Path) -> str:
    try:
        make(Pick(), Script("a", "b"), fabric=fabric)(torch.tensor([torch.inf]), torch.ones(1))
    except NonFiniteLossError as error:
        return str(error)
    return ""


def another_seed(fabric: Fabric, out: Path) -> str:
    optimizer = pdas.PDAS(Branches.space, seed=fabric.global_rank)
    return _error(
        lambda: paper_search(
            Branches(), loss, data(), batch_size=8, method=optimizer, fabric=fabric
        )
    )


def given_something_else(fabric: Fabric, out: Path) -> list[str]:
    """What ranks say if the second has other data, settings, a limit or a network."""
    second = fabric.global_rank == 1
    short = TensorDataset(*(column[:48] for column in data().tensors))
    choice = nn.Sequential(pdas.nn.Choice("op", {"a": nn.Linear(4, 2), "b": nn.Linear(4, 2)}))
    one = FunctionCost(Branches.space, lambda architecture: 1.0)

    def search(net: nn.Module, examples: Any, **changes: Any) -> str:
        given = {"steps": 3, "batch_size": 8, "fabric": fabric, **(changes if second else {})}
        return _error(lambda: paper_search(net, loss, examples, **given))

    def train(rate: float) -> str:
        settings = TrainingSettings(steps=2, optimizer={"learning_rate": rate})
        return _error(
            lambda: retrain(Fit(nn.Linear(4, 2)), DataLoader(data(), 8), settings, fabric)
        )

    def train_own(validation: Any) -> str:
        net = nn.Linear(4, 2)
        return _error(
            lambda: pdas.retrain(
                net, loss, data(), validation, steps=2, batch_size=8, fabric=fabric
            )
        )

    return [
        search(Branches(), short if second else data()),
        search(Branches(), data(), steps=4),
        search(Branches(), data(), seed=1),
        search(Branches(), data(), limit=pdas.Limit(one, 2)),
        search(pdas.nn.Supernet(choice) if second else Branches(), data()),
        train(0.2 if second else 0.1),
        train_own(short if second else data()),
    ]


def theta_changed(fabric: Fabric, out: Path) -> str:
    optimizer = pdas.PDAS(Branches.space)

    def change(progress: Any) -> None:
        if fabric.global_rank == 1:
            optimizer.tell(optimizer.ask(), [0.0, 1.0])

    return _error(
        lambda: paper_search(
            Branches(),
            loss,
            data(),
            steps=3,
            batch_size=8,
            method=optimizer,
            fabric=fabric,
            checkpoints=Checkpoints(out / "changed"),
            on_step=change,
        )
    )


def three_samples(fabric: Fabric, out: Path) -> str:
    return _error(lambda: paper_search(Branches(), loss, data(), samples=3, fabric=fabric))


def _error(run: Callable[[], object]) -> str:
    try:
        run()
    except PdasError as error:
        return str(error)
    return ""


class Fit(TrainingModule[nn.Sequential]):
    """Squared error of a network."""

    def forward(self, batch: list[Tensor]) -> dict[str, Tensor]:
        return {"loss": (self.network(batch[0]) - batch[1]).square().mean()}


def retrained(fabric: Fabric, out: Path, norm: nn.Module | None = None) -> dict[str, Any]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), norm or nn.Identity(), nn.ReLU(), nn.Linear(6, 2))
    generator = torch.Generator().manual_seed(2)
    loader = DataLoader(data(), 8, shuffle=True, generator=generator)
    measures: list[float] = []
    settings = TrainingSettings(steps=20)
    retrain(
        Fit(net), loader, settings, fabric, on_step=lambda p: measures.append(p.measures["loss"])
    )
    return {"net": net.state_dict(), "losses": measures}


def with_batch_norm(fabric: Fabric, out: Path) -> dict[str, Any]:
    return retrained(fabric, out, nn.BatchNorm1d(6))


def too_small(fabric: Fabric, out: Path) -> str:
    loader = DataLoader(data(), 9)
    return _error(lambda: retrain(Fit(nn.Linear(4, 2)), loader, TrainingSettings(steps=2), fabric))


def draws(fabric: Fabric, out: Path) -> dict[str, Any]:
    ranks = Ranks(fabric)
    before = torch.rand(1), random.random(), np.random.rand()
    with ranks.own_random():
        own = torch.rand(1), random.random(), np.random.rand()
    with ranks.own_random():
        more = torch.rand(1)
    return {"common": (before, torch.rand(1)), "own": (own, more)}


def decided(fabric: Fabric, out: Path) -> str:
    """What all take for true, though each sees something else."""
    return agreed(fabric, f"of rank {fabric.global_rank}")


def slow_first(fabric: Fabric, out: Path) -> tuple[float, float]:
    """When rank 0 has acted, which takes it a second, and when this rank goes on."""
    with Ranks(fabric).rank_zero_first() as is_first:
        if is_first:
            time.sleep(1)
        acted = time.time()
    return acted, time.time()


def stopped_search(fabric: Fabric, out: Path) -> Any:
    """A search with dropout: whole; stopped by a signal to the last rank, and gone on with."""

    def search(name: str, stop_at: int = 0) -> Any:
        def on_step(progress: Any) -> None:
            if progress.step == stop_at and fabric.global_rank == fabric.world_size - 1:
                os.kill(os.getpid(), signal.SIGTERM)

        torch.manual_seed(0)
        net = Branches(drop=0.5)
        loaders = tuple(DataLoader(data(), 8, shuffle=True) for _ in range(2))  # global generator
        result = paper_search(
            net,
            loss,
            loaders,
            steps=12,
            fabric=fabric,
            checkpoints=Checkpoints(out / name),
            on_step=on_step,
        )
        return net.state_dict(), result.optimizer.state_dict(), result.history[-1].measures

    whole = search("whole")
    try:
        search("stopped", stop_at=5)
    except StoppedError as stopped:
        return stopped.step, whole, search("stopped")
    return None


def trials(fabric: Fabric, out: Path) -> Any:
    """Networks that are trained one by one, each from the weights of the one before."""
    order = [[0, 0, 0], [1, 1, 0], [2, 1, 1], [2, 0, 1], [3, 0, 1], [3, 1, 2]]
    schedule = TrialSchedule(trials=6, inherit=True)
    options = {"samples": 2, "fabric": fabric, "checkpoints": Checkpoints(out / "trials")}
    result = trial_searches.searched(trial_searches.Family(*order), schedule, **options)
    return result.optimizer.told, [progress.measures for progress in result.history]


@contextmanager
def counted_exchanges() -> Iterator[list[int]]:
    """Within it, the first number of the list is how often this rank has waited for the other."""
    count = [0]
    originals = {name: getattr(dist, name) for name in ("all_reduce", "all_gather")}

    def counted(name: str, *args: Any, **named: Any) -> Any:
        count[0] += 1
        return originals[name](*args, **named)

    for name in originals:
        setattr(dist, name, partial(counted, name))
    try:
        yield count
    finally:
        for name, original in originals.items():
            setattr(dist, name, original)


def exchanges(fabric: Fabric, out: Path) -> list[list[int]]:
    """How often each step of a search and of a retraining waits for the other rank."""
    found: list[list[int]] = []
    with counted_exchanges() as count:

        def on_step(progress: Any) -> None:
            found[-1].append(count[0])

        found.append([])
        paper_search(
            Branches(), loss, data(), steps=9, batch_size=8, fabric=fabric, on_step=on_step
        )
        found.append([])
        net = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
        pdas.retrain(net, loss, data(), steps=9, batch_size=8, fabric=fabric, on_step=on_step)
    return [np.diff(counts).tolist() for counts in found]


def pictures_searched(fabric: Fabric, out: Path) -> dict[str, Any]:
    """A search of pictures in files; how often a step waits, and what it decodes."""
    folder = made_up_photographs(out / f"pictures-{fabric.global_rank}", classes=2, train=8, val=1)
    files = found_in(folder / "train").images
    source = DiskImages(files, torch.arange(16) % 2, size=8, channels=3, workers=0)

    def batches(seed: int) -> Batches:
        drawn = torch.Generator().manual_seed(seed)
        augment = TrainingTransform(Standardise((0.5,) * 3, (0.2,) * 3), Augment(1, True, 2), drawn)
        half = source.subset(torch.arange(seed, 16, 2))
        return Batches(
            half, 4, shuffle=drawn, transform=augment, drop_last=True, area_scale=(0.3, 1.0)
        )

    def error(model: Any, batch: list[Tensor]) -> Tensor:
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    torch.manual_seed(0)
    acts = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "none": nn.Identity()}
    layers = (nn.Flatten(), nn.Linear(192, 8), pdas.nn.Choice("act", acts), nn.Linear(8, 2))
    net = pdas.nn.Supernet(nn.Sequential(*layers))
    settings = SearchSettings(
        **{"epochs": None, "steps": 7, "samples": 2, "batch_size": 4, "finalists": 0}
    )
    method = method_for(net.space, None, settings, (), None, 0)
    decoded: list[int] = []
    after: list[tuple[int, int]] = []  # each step
    read = disk.read_view

    def counted(path: Any, view: Any, index: int, *form: int) -> Tensor:
        decoded.append(index)
        return read(path, view, index, *form)

    with counted_exchanges() as count, patch.object(disk, "read_view", counted):
        result = run_search(
            net, error, (batches(0), batches(1)), method, settings, fabric, seed=0,
            on_step=lambda progress: after.append((count[0], len(decoded))),
        )  # fmt: skip
    return {
        "net": dict(net.named_parameters()),
        "optimizer": result.optimizer.state_dict(),
        "waits and decoded": np.diff(after, axis=0).tolist(),
    }


def first_waits(fabric: Fabric, out: Path) -> list[bool]:
    """Whether the first wait is a patient one once operators may have been compiled."""
    strategy: Any = fabric.strategy
    waits: list[bool] = []

    def counted(original: Callable[..., Any], *args: Any, **named: Any) -> Any:
        waits.append(named["group"] is strategy.patient_messages)
        return original(*args, **named)

    def first(module: Any, run: Callable[[], object]) -> bool:
        def chosen(*args: Any) -> None:
            waits.clear()

        waits.clear()
        with patch.object(module, "choose_kernels", chosen) if module else nullcontext():
            run()
        return waits[0]

    def stage() -> None:
        origin = Origin(recipes.load("digits"), 0, None, {})
        with stage_directory(out / "stage", "--out", origin, fabric, resume=False):
            pass

    options: dict[str, Any] = {"steps": 1, "batch_size": 8, "fabric": fabric}
    net = nn.Linear(4, 2)
    with (
        patch.object(dist, "barrier", partial(counted, dist.barrier)),
        patch.object(dist, "all_gather", partial(counted, dist.all_gather)),
    ):
        return [
            first(
                sys.modules[run_search.__module__],
                lambda: paper_search(Branches(), loss, data(), **options),
            ),
            first(
                sys.modules[pdas.retrain.__module__],
                lambda: pdas.retrain(net, loss, data(), **options),
            ),
            first(None, stage),
        ]


def looks_that_fail(fabric: Fabric, out: Path) -> list[Any]:
    """Searches whose last look fails on the last rank: where it reads data, where it measures."""
    found = []
    for where in ("data", "loss"):
        done: list[bool] = []

        def fails(at: str, where: str = where, done: list[bool] = done) -> None:
            if done and at == where and fabric.global_rank == fabric.world_size - 1:
                raise OSError(f"the {at} is gone")

        class Half(DataLoader[Any]):
            def __iter__(self) -> Any:
                fails("data")
                return super().__iter__()

        def failing(model: Any, batch: Any) -> Any:
            fails("loss")
            return loss(model, batch)

        net = Branches()
        settings = SearchSettings(
            **{"epochs": None, "steps": 4, "samples": 2, "batch_size": 8, "finalists": 0}
        )
        generators = [torch.Generator().manual_seed(i) for i in range(2)]
        result = run_search(
            net,
            failing,
            tuple(Half(data(), 8, shuffle=True, generator=each) for each in generators),  # type: ignore[arg-type]
            method_for(net.space, None, settings, (), None, 0),
            settings,
            fabric,
            seed=0,
            looks=True,
            on_step=lambda progress, done=done: done.append(True) if progress.step == 4 else None,
        )
        found.append((sorted(result.look), result.architecture.to_dict()))
    return found


CASES: dict[str, Callable[[Fabric, Path], Any]] = {
    case.__name__: case
    for case in (
        searched,
        with_finalists,
        in_one_step,
        one_not_finite,
        none_finite,
        another_seed,
        given_something_else,
        theta_changed,
        three_samples,
        retrained,
        with_batch_norm,
        too_small,
        draws,
        decided,
        slow_first,
        stopped_search,
        trials,
        looks_that_fail,
        exchanges,
        pictures_searched,
        first_waits,
        *rank_networks.CASES,
    )
}


def main(out: Path) -> None:
    """Run all cases on this rank."""
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=2, strategy=Ddp())
    fabric.launch()
    found = {name: case(fabric, out) for name, case in CASES.items()}
    torch.save(found, out / f"{fabric.global_rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
