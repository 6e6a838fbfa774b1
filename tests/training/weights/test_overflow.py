"""Gradients that overflow in 16-bit precision, with the CPU's fp16."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas.distributed.ranks import Ranks
from pdas.methods.settings import SearchSettings
from pdas.methods.trials import trial as trial_module
from pdas.methods.trials.trial import Trial
from pdas.resume.signals import StoppedError
from pdas.support.errors import NonFiniteLossError
from pdas.training.loop import Progress
from pdas.training.settings import TrainingSettings
from pdas.training.weights.training import WeightTraining

STEPS = 60


def fabric_of_16_bits(*_: object) -> Fabric:
    precision = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    return Fabric(accelerator="cpu", devices=1, plugins=precision)


def data() -> TensorDataset:
    x = torch.rand(32, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, x.sum(1, keepdim=True))


class Broken(nn.Module):
    """Passes its input on, and back a gradient of NaN in every so manyth call."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every = every
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.calls % self.every == 0 and x.requires_grad:
            x.register_hook(lambda gradient: gradient * torch.nan)
        return x


def network(every: int = 1) -> nn.Module:
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 4))
    choice = pdas.nn.Choice("first", {"plain": nn.Linear(4, 4), "wide": wide})
    return pdas.nn.Supernet(nn.Sequential(choice, Broken(every), nn.Linear(4, 1)))


def loss(model: Any, batch: list[Tensor]) -> Tensor:
    output = model(batch[0])
    return (output - batch[1]).square().mean()


def search(net: nn.Module, fabric: Fabric, objective: Any = loss, **settings: Any) -> Any:
    given = {"preset": "paper", "steps": STEPS, "batch_size": 8, **settings}
    return pdas.search(net, objective, data(), fabric=fabric, **given)


@pytest.mark.parametrize("method", ["pdas", "enas-plain"])
def test_a_search_whose_gradients_are_all_nan_is_an_error(method: str) -> None:
    with pytest.raises(
        NonFiniteLossError, match=r"norm of nan .* at a loss scale of 0\.00"
    ) as error:
        search(network(), fabric_of_16_bits(), method=method)
    assert "\n" not in str(error.value)
    with pytest.raises(NonFiniteLossError, match="norm of nan for finite losses, "):
        search(network(), Fabric(accelerator="cpu", devices=1), method=method)


@pytest.mark.parametrize("method", ["pdas", "enas-plain"])
def test_a_search_in_which_some_are_ends_before_its_scale_is_nothing(method: str) -> None:
    fabric = fabric_of_16_bits()
    with pytest.raises(NonFiniteLossError, match="norm of nan"):
        search(network(every=5), fabric, method=method, steps=200)
    assert fabric.strategy.precision.scaler.get_scale() > 2.0**-12  # type: ignore[attr-defined]


def test_the_retraining_of_a_network_of_ones_own_is_an_error_too() -> None:
    plain = nn.Sequential(nn.Linear(4, 4), Broken(1), nn.Linear(4, 1))
    with pytest.raises(NonFiniteLossError, match=r"norm of nan .* scale"):
        pdas.retrain(plain, loss, data(), fabric=fabric_of_16_bits(), steps=STEPS, batch_size=8)


def test_a_few_overflows_at_the_start_do_no_harm() -> None:
    """The first scale is too large for these losses, so the first steps are passed over."""
    fabric, net = fabric_of_16_bits(), network(every=10**9)
    before = [weight.detach().clone() for weight in net.parameters()]
    result = search(net, fabric, objective=lambda model, batch: 100 * loss(model, batch))
    assert len(result.history) == STEPS // 2
    assert fabric.strategy.precision.scaler.get_scale() < 2**16  # type: ignore[attr-defined]
    assert not any(map(torch.equal, before, net.parameters()))


def test_a_resumed_search_counts_on(tmp_path: Path) -> None:
    seen: list[int] = []

    def stops(progress: Progress) -> None:
        seen.append(progress.step)
        if progress.step == 20:
            os.kill(os.getpid(), signal.SIGTERM)

    for error in (StoppedError, NonFiniteLossError):
        with pytest.raises(error):
            search(network(), fabric_of_16_bits(), checkpoints=tmp_path, on_step=stops)
    whole: list[int] = []
    with pytest.raises(NonFiniteLossError):
        search(network(), fabric_of_16_bits(), on_step=lambda each: whole.append(each.step))
    assert seen == whole and len(whole) < 30


def trial(objective: Any) -> Trial:
    batches = DataLoader(data(), 8)
    return Trial(
        objective, batches, batches, SearchSettings(epochs=None, steps=STEPS), 0, "cpu", "16-mixed"
    )


def test_a_network_that_is_trained_by_itself_has_an_infinite_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trial_module, "_new_fabric", fabric_of_16_bits)
    broken = nn.Sequential(nn.Linear(4, 4), Broken(1), nn.Linear(4, 1))
    assert trial(loss)(broken, None, STEPS, STEPS) == (None, math.inf)
    whole = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    state, found = trial(lambda model, batch: 100 * loss(model, batch))(whole, None, STEPS, STEPS)
    assert state is not None and math.isfinite(found)


def test_a_network_that_uses_none_of_its_weights_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unused(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return x.sum(1, keepdim=True)

    monkeypatch.setattr(trial_module, "_new_fabric", fabric_of_16_bits)
    assert trial(loss)(Unused(4, 1), None, 5, 5)[1] < 1e-5


class One(nn.Module):
    """One weight, whose gradient is the sum of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights * x).sum()


@pytest.mark.parametrize("scaler", [torch.amp.GradScaler("cpu", 1.0), None])
def test_a_norm_too_large_for_finite_gradients_is_an_error(scaler: Any) -> None:
    """The loss scaler sees finite gradients only, and would let the step be one of zeros."""
    off = torch.amp.GradScaler("cpu", enabled=False)
    precision = MixedPrecision("16-mixed", "cpu", scaler or off)
    fabric = Fabric(accelerator="cpu", devices=1, plugins=precision)
    settings = TrainingSettings(steps=9, schedule="constant")
    weights = WeightTraining(One(), settings, fabric, Ranks(fabric), steps=9, per_epoch=9)
    with pytest.raises(NonFiniteLossError, match="norm of inf"):
        weights.update((weights.network.weights * torch.full((4,), 3e38)).sum())
