"""`pdas.retrain` against loops of plain torch: steps, validation, best weights, stops, resuming."""

from __future__ import annotations

import copy
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas.nn import Choice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError
from pdas.support.errors import CheckpointError, NonFiniteLossError, SettingError

Batch = list[Tensor]


def data(n: int, seed: int = 0) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=generator)
    return TensorDataset(x, x.sum(1, keepdim=True) + torch.randn(n, 1, generator=generator))


def loader(*batches: Any) -> DataLoader[Any]:
    """Batches as they are, without a draw from the global generator."""
    generator = torch.Generator()
    return DataLoader(batches, batch_size=None, generator=generator)  # type: ignore[arg-type]


def module(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))


def loss(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    x, y = batch
    off = model(x) - y
    return {"loss": off.square().mean(), "off": off.abs().mean()}


def plain_loss(network: nn.Module, examples: TensorDataset) -> float:
    """The loss over all examples at once, in evaluation mode."""
    x, y = examples.tensors
    with torch.no_grad():
        return float(mse_loss(copy.deepcopy(network).eval()(x), y))


def retrain(network: nn.Module, *args: Any, **settings: Any) -> Any:
    fabric = pdas.distributed.fabric.Fabric(accelerator="cpu", devices=1)
    return pdas.retrain(network, loss, *args, fabric=fabric, **{"batch_size": 8} | settings)


def test_the_network_has_the_weights_of_the_least_validation_loss() -> None:
    train, validation = data(32), data(21, seed=1)  # batches of 8, 8 and 5
    network, seen = module(), {}

    def watch(result: pdas.RetrainingResult) -> None:
        assert network.training  # in between it is put back
        seen[len(result.history)] = (plain_loss(network, validation), copy.deepcopy(network))

    result = retrain(network, train, validation, epochs=30, on_epoch=watch)
    found = [progress.measures["validation_loss"] for progress in result.history]
    assert found == pytest.approx([value for value, _ in seen.values()], rel=1e-5)
    assert result.best_epoch == 1 + int(np.argmin(found)) < 30
    assert result.best.measures["validation_loss"] == min(found)
    best = seen[result.best_epoch][1].state_dict()
    assert all(torch.equal(value, best[name]) for name, value in network.state_dict().items())
    assert not any(each.training for each in network.modules())
    assert result.stopped is None and result.seconds > 0
    shown = r"RetrainingResult\(best_epoch=\d+, seconds=.*, stopped=None\)"
    assert re.fullmatch(shown, repr(result))
    assert {"loss", "off", "validation_loss", "validation_off"} == set(result.best.measures)


def test_without_a_validation_it_is_a_plain_loop_of_torch() -> None:
    batches = [[x, y] for x, y in zip(*(t.split(8) for t in data(32).tensors), strict=True)]
    network, twin = module(), module()
    torch.manual_seed(5)
    settings = {"optimizer": {"learning_rate": 0.01}, "schedule": "constant", "clip": 1e9}
    result = retrain(network, loader(*batches), epochs=3, **settings)
    torch.manual_seed(5)
    adamw = torch.optim.AdamW(twin.parameters(), 0.01, weight_decay=3e-4)
    for batch in 3 * batches:
        adamw.zero_grad()
        loss(twin, batch)["loss"].backward()
        adamw.step()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)
    assert result.best_epoch == 3 and result.best is result.history[-1]
    assert not network.training


class Weight(nn.Module):
    """One weight, which is pulled to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))

    def forward(self, target: Tensor) -> Tensor:
        return (self.w - target).square()


def pull(model: nn.Module, batch: Tensor) -> Tensor:
    return model(batch).mean()  # type: ignore[no-any-return]


def pulled(**settings: Any) -> tuple[Weight, pdas.RetrainingResult]:
    network = Weight()
    return network, pdas.retrain(
        network,
        pull,
        loader(torch.ones(4)),
        loader(torch.full((3,), 0.5)),  # best on the way
        optimizer={"name": "sgd", "learning_rate": 0.05, "momentum": 0, "weight_decay": 0},
        schedule="constant",
        **{"epochs": 50} | settings,
    )


def test_patience_ends_it_after_so_many_epochs_without_a_better_loss() -> None:
    path = [1 - 0.9**epoch for epoch in range(1, 51)]
    best = 1 + int(np.argmin([(w - 0.5) ** 2 for w in path]))
    network, result = pulled()
    assert (result.best_epoch, len(result.history), result.stopped) == (best, 50, None)
    assert float(network.w.detach()) == pytest.approx(path[best - 1])
    network, result = pulled(patience=4)
    assert (result.best_epoch, len(result.history), result.stopped) == (best, best + 4, "patience")
    assert float(network.w.detach()) == pytest.approx(path[best - 1])


@pytest.mark.parametrize(("stop_at", "best"), [(1, 1), (3, 3), (9, 7)])
def test_on_step_may_end_it(stop_at: int, best: int) -> None:
    network, result = pulled(on_step=lambda progress: progress.step == stop_at)
    assert (result.best_epoch, result.stopped) == (best, "on_step")
    assert float(network.w.detach()) == pytest.approx(1 - 0.9**best)


def test_ctrl_c_ends_it_with_what_there_is() -> None:
    def interrupt(progress: pdas.Progress) -> None:
        if progress.step == 9:
            signal.raise_signal(signal.SIGINT)

    network, result = pulled(on_step=interrupt)
    assert (result.best_epoch, result.stopped) == (7, "interrupted")
    assert float(network.w.detach()) == pytest.approx(1 - 0.9**7)


class KilledError(Exception):
    """As a process that is killed."""


@pytest.mark.parametrize("killed", [5, 9, 16])
def test_it_resumes_exactly(tmp_path: Path, killed: int) -> None:
    whole = module()
    expected = retrain(whole, data(32), data(21, 1), epochs=6)  # of 4 steps

    def kill(progress: pdas.Progress) -> None:
        if progress.step == killed:
            raise KilledError

    where = Checkpoints(tmp_path, seconds=0.0)
    where.due = lambda: True  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        retrain(module(), data(32), data(21, 1), epochs=6, checkpoints=where, on_step=kill)
    torch.manual_seed(99)
    resumed = module(seed=3)
    for _ in range(2):  # the second time it is finished
        found = retrain(resumed, data(32), data(21, 1), epochs=6, checkpoints=where)
        assert [each.measures for each in found.history] == [
            each.measures for each in expected.history
        ]
        assert found.best_epoch == expected.best_epoch
        for name, value in whole.state_dict().items():
            assert torch.equal(resumed.state_dict()[name], value)
    with pytest.raises(CheckpointError, match=r"^retrain\.clip: found 1\.0, expected 5\.0 as in"):
        retrain(resumed, data(32), data(21, 1), epochs=6, clip=1, checkpoints=where)
    with pytest.raises(CheckpointError, match=r"^seed: found 1, expected 0 as in"):
        retrain(resumed, data(32), data(21, 1), epochs=6, seed=1, checkpoints=where)
    for train, validation in ((1, 1), (0, 2)):
        with pytest.raises(CheckpointError, match=r"^(data|validation): found "):
            retrain(resumed, data(32, train), data(21, validation), epochs=6, checkpoints=where)


def test_sigterm_leaves_a_checkpoint(tmp_path: Path) -> None:
    def terminate(progress: pdas.Progress) -> None:
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(StoppedError):
        pulled(on_step=terminate, checkpoints=Checkpoints(tmp_path))
    _, result = pulled(checkpoints=str(tmp_path))  # the directory alone
    assert len(result.history) == 50 and result.best_epoch == 7


def test_a_validation_that_is_never_finite_is_refused_and_one_that_is_counts() -> None:
    values = loader(torch.full((2,), torch.nan))
    with pytest.raises(NonFiniteLossError, match="validation loss: found nan after each of 2"):
        pdas.retrain(Weight(), pull, loader(torch.ones(4)), values, epochs=2)
    sometimes = iter([1.0, torch.nan, torch.inf])

    def changing(model: nn.Module, batch: Tensor) -> Tensor:
        return pull(model, batch) * (1.0 if model.training else next(sometimes))

    result = pdas.retrain(Weight(), changing, *(loader(torch.ones(4)) for _ in range(2)), epochs=3)
    assert result.best_epoch == 1


class Endless:
    """Batches without a length."""

    def __iter__(self) -> Iterator[Batch]:
        return iter(())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: retrain(Supernet(Choice("a", {"b": nn.ReLU(), "c": nn.Linear(3, 1)})), data(8)),
         "network: found Supernet, whose architecture is not chosen yet, expected a module"),
        (lambda: retrain(nn.ReLU(), data(8)), "network: found ReLU without weights that can be"),
        (lambda: pdas.retrain("net", loss, data(8)), "network: found str"),  # type: ignore[arg-type]
        (lambda: pdas.retrain(module(), 3, data(8)), "loss: found int"),  # type: ignore[arg-type]
        (lambda: retrain(module(), data(5)), "batch_size: found 8, expected 1 to 5, the number of"),
        (lambda: retrain(module(), data(8), patience=3), "patience: found 3 without a validation"),
        (lambda: retrain(module(), data(8), data(0)), "validation: found TensorDataset without"),
        (lambda: retrain(module(), Endless()), "train: found Endless without a length"),
        (lambda: retrain(module(), []), "train: found list without examples"),
        (lambda: retrain(module(), data(8).tensors), "train: found a Tensor by itself"),
        (lambda: retrain(module(), data(8), data(8).tensors[0]), "validation: found a Tensor by"),
        (lambda: retrain(module(), data(8), epoch=3), "retrain.epoch: there is no such setting"),
        (lambda: retrain(module(), data(8), optimizer="sgd", weights=torch.optim.SGD),
         "optimizer: found a setting and a function"),
        (lambda: retrain(module(), data(8), accumulate=3), "retrain.accumulate: found 3, expected"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(SettingError) as error:
        call()
    assert message in str(error.value) and "\n" not in str(error.value)


def test_settings_are_those_of_a_search() -> None:
    rates: list[float | None] = []
    retrain(
        module(),
        data(16),
        steps=3,
        weights=lambda parameters: torch.optim.SGD(parameters, 0.5),
        schedule=lambda sgd, steps: torch.optim.lr_scheduler.LinearLR(sgd, 1, 0, steps),
        on_step=lambda progress: rates.append(progress.learning_rate),
    )
    assert rates == pytest.approx([0.5, 1 / 3, 1 / 6])
