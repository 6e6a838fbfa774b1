"""What trains the weights of a search: by settings, by functions, or nothing."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, StepLR
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError
from pdas.support.errors import SettingError

STEPS = 7  # of 4 in an epoch
FINALISTS = {"finalists": 2, "finalists_share": 0.4}


class Block(nn.Module):
    """Two choices around a dropout, which draws."""

    def __init__(self) -> None:
        super().__init__()
        self.op = Choice("op", {"wide": nn.Linear(4, 4), "skip": nn.Identity()})
        self.drop = nn.Dropout(0.3)
        self.end = Choice("end", {"a": nn.Linear(4, 2), "b": nn.Linear(4, 2)})

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.end(self.drop(self.op(x)))
        return out


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def data() -> TensorDataset:
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x.sum(1) > 0).long())


def adamw(parameters: Iterable[nn.Parameter]) -> Optimizer:
    return AdamW(parameters, 0.05, amsgrad=True)


def halving(optimizer: Optimizer, steps: int) -> LRScheduler:
    return StepLR(optimizer, 2, 0.5)


def searched(**arguments: Any) -> tuple[Supernet, pdas.SearchResult]:
    torch.manual_seed(0)
    net = Supernet(Block())
    settings = {"preset": "paper", "steps": STEPS, "batch_size": 8} | arguments
    return net, pdas.search(net, loss, data(), **settings)


def outcome(net: Supernet, result: pdas.SearchResult) -> list[Any]:
    rows = [
        {name: x for name, x in vars(progress).items() if name != "seconds"}
        for progress in result.history
    ]
    weights = {name: weight.tolist() for name, weight in net.state_dict().items()}
    return [weights, rows, np.array(result.theta).tolist(), result.optimizer.state_dict()]


def stop_at(step: int) -> Callable[[Any], None]:
    def on_step(progress: Any) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return on_step


def test_functions_that_make_what_the_settings_name_compute_the_same() -> None:
    def sgd(parameters: Iterable[nn.Parameter]) -> Optimizer:
        return SGD(parameters, 0.025, momentum=0.9, weight_decay=3e-4)

    def cosine(optimizer: Optimizer, steps: int) -> LRScheduler:
        assert steps == STEPS
        return LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)

    assert outcome(*searched()) == outcome(*searched(weights=sgd, schedule=cosine))


def test_they_are_used_in_place_of_those_of_the_settings() -> None:
    made: list[int] = []

    def counted(parameters: Iterable[nn.Parameter]) -> Optimizer:
        held = list(parameters)
        made.append(sum(weight.numel() for weight in held))
        return adamw(held)

    rates: list[float | None] = []
    net, _ = searched(
        weights=counted, schedule=halving, on_step=lambda p: rates.append(p.learning_rate)
    )
    assert made == [sum(weight.numel() for weight in net.parameters())]
    assert rates == pytest.approx([0.05 / 2 ** (step // 2) for step in range(STEPS)])


def test_the_rate_of_the_schedule_constant_stays() -> None:
    for schedule in ("constant", {"name": "constant"}):
        rates: list[float | None] = []
        searched(schedule=schedule, on_step=lambda p, kept=rates: kept.append(p.learning_rate))
        assert rates == [0.025] * STEPS
    settings = pdas.SearchSettings(epochs=None, steps=STEPS, batch_size=8, schedule="constant")
    expected = outcome(*searched(schedule="constant"))
    assert outcome(*searched(preset=None, settings=settings)) == expected


WAYS: dict[str, dict[str, Any]] = {
    "functions": {"weights": adamw, "schedule": halving},
    "functions in parts": {"weights": adamw, "schedule": halving, "accumulate": 2},
    "constant": {"optimizer": "adamw", "schedule": "constant"},
    "no weights": {"train_weights": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_search_that_is_stopped_after_any_step_ends_the_same(way: str, tmp_path: Path) -> None:
    expected = outcome(*searched(**WAYS[way]))
    for step in range(1, STEPS):
        checkpoints = Checkpoints(tmp_path / str(step))
        with pytest.raises(StoppedError):
            searched(**WAYS[way], checkpoints=checkpoints, on_step=stop_at(step))
        assert outcome(*searched(**WAYS[way], checkpoints=checkpoints)) == expected


def test_finalists_are_trained_by_the_functions_too(tmp_path: Path) -> None:
    made: list[str] = []

    def counted(parameters: Iterable[nn.Parameter]) -> Optimizer:
        made.append("optimizer")
        return adamw(parameters)

    def schedule(optimizer: Optimizer, steps: int) -> LRScheduler:
        made.append("schedule")
        return halving(optimizer, steps)

    arguments: dict[str, Any] = {
        "weights": counted,
        "schedule": schedule,
        "steps": 90,
        "finalists": 3,
        "finalists_share": 0.5,
    }
    net, result = searched(**arguments)
    assert made == ["optimizer", "schedule"] * (1 + 3 + 2)  # the search, and two rounds
    checkpoints = Checkpoints(tmp_path)
    last = result.history[-1].step
    with pytest.raises(StoppedError):
        searched(**arguments, checkpoints=checkpoints, on_step=stop_at(last))
    resumed_net, resumed = searched(**arguments, checkpoints=checkpoints)
    assert outcome(resumed_net, resumed) == outcome(net, result)
    assert resumed.finalists == result.finalists


def test_the_weights_stay_as_they_are_where_theta_alone_is_searched() -> None:
    torch.manual_seed(0)
    before = Supernet(Block()).state_dict()
    with_gradient: list[bool] = []

    def watched(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        with_gradient.append(torch.is_grad_enabled())
        return loss(model, batch)

    torch.manual_seed(0)
    net = Supernet(Block())
    result = pdas.search(
        net, watched, data(), preset="paper", steps=STEPS, batch_size=8, train_weights=False
    )
    assert with_gradient == [False] * 2 * STEPS  # once for each architecture, without backward
    assert all(torch.equal(before[name], weight) for name, weight in net.state_dict().items())
    assert all(weight.grad is None for weight in net.parameters())
    first, *_, last = result.theta
    assert np.abs(first - last).max() > 0.01
    assert result.history[-1].learning_rate is None
    assert "learning_rate" not in result.history[-1].row()
    measured = result.history[-1].measures.keys()
    assert measured == {"theta_loss", "decided", "convergence", "eta"}


def test_theta_alone_finds_the_weights_that_are_good_already() -> None:
    class Ready(nn.Module):
        """One of three scales is that of the data, and none is trained."""

        space = pdas.SearchSpace({"scale": [0.0, 3.0, -2.0]})

        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(()))

        def forward(self, x: Tensor, architecture: pdas.Architecture) -> Tensor:
            return float(architecture["scale"]) * x + self.bias

    def squared(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        return (model(batch[0]) - batch[1]).square().mean()

    x = torch.linspace(-1, 1, 100)
    rows = TensorDataset(x, 3 * x)
    for preset in ("paper", "default"):
        result = pdas.search(
            Ready(), squared, rows, preset=preset, steps=120, batch_size=10, train_weights=False
        )
        assert result.architecture["scale"] == 3.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": {"name": "sgd", "momentum": 2}}, r"search\.optimizer\.momentum: found 2, "),
        ({"optimizer": {"learning_rate": 0}}, r"search\.optimizer\.learning_rate: found 0, "),
        ({"optimizer": "adam"}, r"search\.optimizer: found 'adam', expected one of adamw, sgd"),
        ({"optimizer": {"name": "adam"}}, r"search\.optimizer\.name: found 'adam', expected one "),
        (
            {"optimizer": {"name": "sgd", "momentun": 0.5}},
            r"search\.optimizer\.momentun: there is no such setting, .*did you mean momentum\?",
        ),
        ({"optimizer": {"name": "adamw", "momentum": 0.5}}, r"search\.optimizer\.momentum: there "),
        ({"optimizer": 3}, r"search\.optimizer: found 3, expected a name, or a mapping"),
        ({"schedule": "step"}, r"search\.schedule: found 'step', expected one of constant, cos"),
        ({"schedule": {"name": "cosine", "x": 1}}, r"search\.schedule\.x: there is no such "),
        ({"weights": "adamw"}, r"weights: found str, expected a function .*set optimizer="),
        ({"weights": lambda parameters: 3}, r"weights: found that .* makes int, expected a torch"),
        ({"schedule": lambda optimizer, steps: 3}, r"schedule: found that .* makes int, expected"),
        (
            {"steps": 9, "schedule": {"name": "cosine", "warmup": 8}, **FINALISTS},
            r"search\.schedule\.warmup: found 8, expected at most 5, the steps of the search with",
        ),
        ({"train_weights": False, "warmup": 0.3}, r"search: found warmup = 0\.3 and train_weights"),
    ],
)
def test_what_cannot_train_the_weights_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=f"^{message}") as caught:
        searched(**arguments)
    assert "\n" not in str(caught.value)


def test_a_resumed_search_with_another_optimizer_is_refused(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(StoppedError):
        searched(checkpoints=checkpoints, on_step=stop_at(2))
    with pytest.raises(pdas.PdasError, match=r"optimizer\.momentum: found 0\.5, expected 0\.9"):
        searched(checkpoints=checkpoints, optimizer={"momentum": 0.5})
    with pytest.raises(pdas.PdasError, match=r"optimizer\.name: found 'adamw', expected 's"):
        searched(checkpoints=checkpoints, optimizer="adamw")
