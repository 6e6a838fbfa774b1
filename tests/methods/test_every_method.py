"""What every method of the registry does in a search, whatever it is: a new one is found here."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.base import SearchMethod
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.penalty import Penalty
from pdas.nn import Choice, InputChoice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError
from pdas.space import Architecture
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError
from tests.waiting import stop_at

TRAINED = [name for name in METHODS.names() if METHODS[name].trains]
SMALL = {  # settings of methods, where they have them
    "trials": 6,
    "updates": 1,
    "population": 3,
    "tournament": 2,
    "pool": 4,
    "seeds": 3,
    "new": 2,
    "top": 2,
    "fit_epochs": 2,
    "random": 3,
    "changed": 2,
    "chain": 2,
}


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(4, 4), nn.Linear(4, 2)
        wide = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 4))
        self.body = Choice("body", {"none": nn.Identity(), "small": nn.Linear(4, 4), "wide": wide})
        self.act = Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.source = InputChoice("source", ["input", "hidden"])

    def forward(self, x: Tensor) -> Any:
        return self.leave(self.source([x, self.act(self.body(self.enter(x)))]))


class Watched(Supernet):
    """Remembers the architectures that it ran and made."""

    def __init__(self) -> None:
        super().__init__(Block())
        self.seen: list[Architecture] = []

    def forward(self, *inputs: Any, **named: Any) -> Any:
        self.seen += [each for each in inputs if isinstance(each, Architecture)]
        return super().forward(*inputs, **named)

    def derive(self, architecture: Architecture, **options: Any) -> nn.Module:
        self.seen.append(architecture)
        return super().derive(architecture, **options)


def own() -> Watched:
    torch.manual_seed(0)
    return Watched()


def cells() -> CellSupernet:
    torch.manual_seed(0)
    return CellSupernet(nodes=2, cells_per_stage=1, channels=8, in_channels=1, classes=2)


def loss(model: Any, batch: Any) -> dict[str, Tensor]:
    logits = model(batch[0])
    right = (logits.detach().argmax(1) == batch[1]).float().mean()
    return {"loss": nn.functional.cross_entropy(logits, batch[1]), "accuracy": right}


def data(*shape: int) -> TensorDataset:
    x = torch.randn(40, *shape, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x.flatten(1).mean(1) > 0).long())


ANY = {"act": "relu", "source": "hidden"}
VECTORS, IMAGES = data(4), data(1, 8, 8)


def small(name: str) -> dict[str, Any]:
    fields = METHODS[name].model_fields
    return {"name": name, **{key: value for key, value in SMALL.items() if key in fields}}


def searched(name: str, net: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    finalists = 0 if METHODS[name].search.get("finalists", 0) == 0 else 2
    return pdas.search(
        net,
        loss,
        VECTORS if isinstance(net, Supernet) else IMAGES,
        method=small(name),
        preset="paper",
        progress=False,
        **{
            "epochs": 8 if isinstance(net, Supernet) else 16,
            "batch_size": 10,
            "finalists": finalists,
            "finalists_share": 0.0,
            "seed": 3,
        }
        | options,
    )


def outcome(result: Any, net: nn.Module) -> Any:
    """What a search found and measured, without times."""
    rows = [(each.step, each.epoch, each.measures) for each in result.history]
    finalists = [(each.architecture, each.loss) for each in result.finalists]
    return result.architecture, rows, finalists, [weight.tolist() for weight in net.parameters()]


class KilledError(Exception):
    pass


def killed_at(step: int) -> Callable[[Any], None]:
    """Ends all before this step is kept, as a kill would."""

    def on_step(progress: Any) -> None:
        if progress.step == step:
            raise KilledError

    return on_step


def check_continues(name: str, make: Callable[[], Any], folder: Path) -> None:
    """Killed in the third step, and stopped after a later one: all is as without that."""

    def kept(on_step: Callable[[Any], None] = lambda progress: None) -> Any:
        net = make()
        checkpoints = Checkpoints(folder, seconds=0)
        return outcome(searched(name, net, checkpoints=checkpoints, on_step=on_step), net)

    net = make()
    whole = outcome(searched(name, net), net)
    last = whole[1][-1][0]
    assert last >= 4, "too short to be stopped in its middle"
    with pytest.raises(KilledError):
        kept(killed_at(3))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedError):
        kept(stop_at(max(3, last // 2)))
    assert signal.getsignal(signal.SIGTERM) is before
    assert kept() == whole


def check_continues_or_is_refused(name: str, make: Callable[[], Any], folder: Path) -> None:
    reason = fits(name, make())
    if reason is None:
        check_continues(name, make, folder)
        return
    assert name in reason and "\n" not in reason
    with pytest.raises(SettingError):
        searched(name, make())


def built(name: str, net: Any) -> Any:
    return METHODS[name](name=name).build(MethodRequest(net.space, seed=0, samples=2))


def fits(name: str, net: nn.Module) -> str | None:
    """Why a method does not fit a network, in its own words; None if it does."""
    try:
        METHODS[name](name=name).network(net)
        built(name, net)
    except SettingError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", TRAINED)
def test_on_an_own_network_it_continues_exactly_or_is_refused_in_a_line(
    name: str, tmp_path: Path
) -> None:
    check_continues_or_is_refused(name, own, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", TRAINED)
def test_on_cells_it_continues_exactly_or_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    check_continues_or_is_refused(name, cells, tmp_path)


def drawing(net: nn.Module) -> list[str]:
    """The methods that search a network, and draw architectures."""
    fitting = [name for name in TRAINED if fits(name, net) is None]
    return [name for name in fitting if not isinstance(built(name, net), SearchMethod)]


def size(net: Any) -> Limit:
    """A limit that leaves out the widest."""
    cost = net.cost("parameters")
    return Limit(cost, cost(net.space.architecture({"body": "small", **ANY})))


@pytest.mark.parametrize("name", drawing(own()))
def test_all_that_it_trains_is_within_a_limit(name: str) -> None:
    net = own()
    limit = size(net)
    result = searched(name, net, limit=limit)
    assert net.seen and all(map(limit.holds, [*net.seen, result.architecture]))


@pytest.mark.parametrize("name", drawing(own()))
def test_a_penalty_decides_among_the_finalists(name: str) -> None:
    net = own()
    cost = net.cost("parameters")
    result = searched(name, net, penalty=Penalty(cost, 1.0, 1e3), finalists=3)
    costs = [cost(each.architecture) for each in result.finalists]
    assert len(costs) == 3 and costs == sorted(costs)
    assert cost(result.architecture) == costs[0]


@pytest.mark.parametrize("name", sorted({*TRAINED} - {*drawing(own())}))
@pytest.mark.parametrize("kind", ["limit", "penalty"])
def test_what_draws_no_architectures_refuses_both_in_a_line(name: str, kind: str) -> None:
    net = own()
    limit = size(net)
    given = limit if kind == "limit" else Penalty(limit.cost, 1.0, 1.0)
    with pytest.raises(SettingError) as error:
        searched(name, net, **{kind: given})
    assert "\n" not in str(error.value)
