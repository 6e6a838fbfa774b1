"""`pdas.search(checkpoints=...)` continues the same search, and refuses any other in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas.cost import FunctionCost
from pdas.nn import Choice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.support.errors import CheckpointError, PdasWarning


class Net(nn.Module):
    """With a buffer and a generator that its `state_dict` leaves out."""

    def __init__(self, width: int = 3, ops: tuple[str, ...] = ("wide", "skip")) -> None:
        super().__init__()
        kinds = {"wide": nn.Linear(2, 2), "skip": nn.Identity(), "tanh": nn.Tanh()}
        self.op = Choice("op", {name: kinds[name] for name in ops})
        self.end = Choice("end", {"a": nn.Linear(2, width), "b": nn.Linear(2, width)})
        self.register_buffer("calls", torch.zeros(()), persistent=False)
        self.noise = torch.Generator().manual_seed(1)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        x = x + torch.rand(x.shape, generator=self.noise) / self.calls
        out: Tensor = self.end(self.op(x))
        return out


def loss(model: Any, batch: Any) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def other_loss(model: Any, batch: Any) -> Tensor:
    return 2 * loss(model, batch)


def data(n: int = 64, seed: int = 0) -> TensorDataset:
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, (x.sum(1) > 0).long())


SPACE = Supernet(Net()).space
FIRST = FunctionCost(SPACE, lambda a: float(a.indices[0]))
LAST = FunctionCost(SPACE, lambda a: float(a.indices[1]))


def sgd(rate: float) -> Callable[[Any], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.SGD(parameters, rate)


def falling(steps: int) -> Callable[..., Any]:
    return lambda optimizer, _: torch.optim.lr_scheduler.StepLR(optimizer, steps)


def two_loaders(seed: int) -> tuple[Any, Any]:
    return DataLoader(data(seed=seed), 8), DataLoader(data(seed=seed + 1), 8)


GIVEN: dict[str, Any] = {
    "net": Net,
    "loss": loss,
    "data": data(),
    "preset": "paper",
    "steps": 6,
    "batch_size": 8,
}


def searched(kept: Path | None, **changes: Any) -> pdas.SearchResult:
    torch.manual_seed(0)
    given = GIVEN | changes
    net, objective, examples = (given.pop(name) for name in ("net", "loss", "data"))
    fabric = Fabric(accelerator="cpu", devices=1, precision=given.pop("precision", "32-true"))
    checkpoints = None if kept is None else Checkpoints(kept)
    return pdas.search(
        Supernet(net()), objective, examples, checkpoints=checkpoints, fabric=fabric, **given
    )


def pdas_with(**settings: Any) -> dict[str, Any]:
    return {"method": pdas.PDAS(SPACE, **settings)}


LIMIT, PENALTY = pdas.Limit(FIRST, 0.5), pdas.Penalty(FIRST, 1.0, 0.1)
START = SPACE.architecture([1, 1])

CHANGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"seed": 1}, "seed: found 1, expected 0 "),
    ({}, {"data": data(seed=1)}, "data: found "),
    ({}, {"data": data(68)}, "data: found "),
    ({"data": two_loaders(0)}, {"data": two_loaders(1)}, "data: found "),
    ({}, {"steps": 7}, "search.steps: found 7, expected 6 "),
    ({}, {"samples": 3}, "search.samples: found 3, expected 2 "),
    (
        {},
        {"preset": "default", "finalists": 0, "warmup": 0},
        "search.optimizer.name: found 'adamw', expected 'sgd' ",
    ),
    ({}, {"optimizer": {"learning_rate": 0.5}}, "search.optimizer.learning_rate: found 0.5, "),
    ({}, {"method": {"name": "pdas", "alpha": 2}}, "search.method.alpha: found 2.0, expected 1.5 "),
    (pdas_with(), pdas_with(alpha=2.0), "method.alpha: found 2.0, expected 1.5 "),
    (pdas_with(), pdas_with(eta="fixed"), "method.eta: found 'fixed', expected 'adaptive' "),
    (pdas_with(), pdas_with(samples=3), "search.samples: found 3, expected 2 "),
    (pdas_with(), pdas_with(seed=3), "method.seed: found 3, expected 0 "),
    (pdas_with(), pdas_with(initial=START), "method.initial: found "),
    ({}, {"limit": LIMIT}, "limit: found '0.5, costs "),
    ({"limit": LIMIT}, {}, "limit: found None, expected '0.5, costs "),
    ({"limit": LIMIT}, {"limit": pdas.Limit(FIRST, 0.6)}, "limit: found '0.6, costs "),
    ({"limit": LIMIT}, {"limit": pdas.Limit(LAST, 0.5)}, "limit: found '0.5, costs "),
    ({"limit": LIMIT}, {"limit": [LIMIT, pdas.Limit(LAST, 1)]}, "limit: found '0.5, costs "),
    ({}, {"penalty": PENALTY}, "penalty: found '0.1 above 1.0, costs "),
    ({"penalty": PENALTY}, {}, "penalty: found None, expected '0.1 above 1.0, costs "),
    ({"penalty": PENALTY}, {"penalty": pdas.Penalty(FIRST, 1.0, 0.2)}, "penalty: found '0.2 "),
    ({"weights": sgd(0.1)}, {"weights": sgd(0.2)}, "weights.0.lr: found 0.2, expected 0.1 "),
    (
        {"schedule": falling(2)},
        {"schedule": falling(3)},
        "schedule.step_size: found 3, ",
    ),
    ({}, {"weights": sgd(0.1)}, "weights.type: found 'SGD', expected None "),
    ({"weights": sgd(0.1)}, {}, "weights.type: found None, expected 'SGD' "),
    ({}, {"schedule": falling(2)}, "schedule.type: found 'StepLR', expected None "),
    ({"schedule": falling(2)}, {}, "schedule.type: found None, expected 'StepLR' "),
    ({}, {"loss": other_loss}, "loss: found 'other_loss', expected 'loss' "),
    ({}, {"net": lambda: Net(width=4)}, "net: found 'Net of 6 tensors, "),
    ({}, {"net": lambda: Net(ops=("wide", "tanh"))}, "space.op: found ['wide', 'tanh'], expected "),
    ({}, {"precision": "bf16-mixed"}, "precision: found 'bf16-mixed', expected '32-true' "),
]


@pytest.mark.parametrize(("before", "now", "line"), CHANGES)
def test_another_search_is_named(
    tmp_path: Path, before: dict[str, Any], now: dict[str, Any], line: str
) -> None:
    stop = searched(tmp_path, on_step=lambda progress: progress.step == 2, **before)
    assert stop.stopped == "on_step"
    with pytest.raises(CheckpointError, match=f"^{re.escape(line)}") as error:
        searched(tmp_path, **now)
    assert "\n" not in str(error.value)
    assert " as in the checkpoint; give it as it was, or " in str(error.value)
    assert searched(tmp_path, **before).history == stop.history


def test_other_code_of_the_loss_is_a_warning(tmp_path: Path) -> None:
    def scaled(factor: float) -> Any:
        return lambda model, batch: factor * loss(model, batch)

    first = searched(tmp_path, loss=scaled(1.0))
    with pytest.warns(PdasWarning, match="code of loss: found other code than in the checkpoint"):
        assert searched(tmp_path, loss=scaled(2.0)).history == first.history


def test_what_the_network_keeps_to_itself_goes_on(tmp_path: Path) -> None:
    def outcome(result: pdas.SearchResult) -> list[Any]:
        return [[each.measures for each in result.history], result.optimizer.state_dict()]

    expected = outcome(searched(None))

    def interrupt(progress: pdas.Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt  # the first step has a checkpoint

    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, on_step=interrupt)
    assert outcome(searched(tmp_path)) == expected
