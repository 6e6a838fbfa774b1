"""`pdas.search` on a network and data of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.errors import SettingError
from pdas.space import Architecture


class Regression(nn.Module):
    """Predicts y = 3 x^p; only the power that the data have fits."""

    space = pdas.SearchSpace({"power": [1, 2, 3]})

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.scale * x ** int(architecture["power"])


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    x, y = batch
    error = model(x) - y
    return {"loss": error.square().mean(), "worst": error.detach().abs().max()}


def data(n: int = 200) -> TensorDataset:
    x = torch.linspace(-1.5, 1.5, n)
    return TensorDataset(x, 3 * x**2)


def test_the_planted_choice_is_found_and_its_weight_is_trained() -> None:
    net = Regression()
    epochs: list[int] = []
    steps: list[int] = []
    result = pdas.search(
        net,
        loss,
        data(),
        epochs=30,
        batch_size=20,
        on_step=lambda progress: steps.append(progress.step),
        on_epoch=lambda result: epochs.append(len(result.history)),
    )
    assert result.architecture["power"] == 2
    assert 1.2 < float(net.scale.detach()) < 3.2  # from 1 towards 3, which the other powers resist
    assert epochs == list(range(1, 31))
    assert steps == list(range(1, 151))  # an epoch is one pass over a half: 100 / 20
    assert len(result.theta) == 31
    assert {"loss", "worst", "theta_loss", "theta_worst"} == result.history[-1].measures.keys()
    rates = [progress.learning_rate for progress in result.history]
    assert rates[0] == 0.025 and rates == sorted(rates, reverse=True)


def test_the_halves_share_nothing_and_each_trains_its_own() -> None:
    seen: tuple[list[float], list[float]] = ([], [])

    def watch(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        seen[0 if torch.is_grad_enabled() else 1].extend(batch[0].tolist())
        return loss(model, batch)["loss"]

    pdas.search(Regression(), watch, data(), epochs=2, batch_size=20)
    assert len(set(seen[0])) == len(set(seen[1])) == 100
    assert not set(seen[0]) & set(seen[1])


def test_batches_of_ones_own_are_taken_as_they_are() -> None:
    batch = tuple(torch.stack(column) for column in zip(*data(), strict=True))
    result = pdas.search(Regression(), loss, ([batch] * 3, [batch]), epochs=2)
    assert result.history[-1].step == 6


def test_the_same_seed_gives_the_same_theta() -> None:
    def theta(seed: int) -> list[float]:
        result = pdas.search(Regression(), loss, data(), epochs=2, batch_size=50, seed=seed)
        return result.optimizer.theta["power"].tolist()

    assert theta(0) == theta(0)
    assert any(theta(seed) != theta(0) for seed in (1, 2, 3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 1}, r"search.epoch: there is no such setting, .*did you mean epochs\?"),
        ({"epochs": 0}, r"search.epochs: found 0"),
        ({"batch_size": 101}, r"batch_size: found 101, expected 1 to 100, .*; add batch_size=100"),
    ],
)
def test_a_bad_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        pdas.search(Regression(), loss, data(), **settings)


def test_a_network_without_a_space_is_named() -> None:
    with pytest.raises(SettingError, match="Linear has no search space"):
        pdas.search(nn.Linear(1, 1), loss, data())


def test_a_loss_that_changes_its_input_gets_the_output_of_each_architecture() -> None:
    class Together(Regression):
        def forward_many(self, x: Tensor, architectures: Any) -> list[Tensor]:
            return [self(x, architecture) for architecture in architectures]

    def twice(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        return (model(2 * x) - y).square().mean()  # a new tensor at every call

    results = [
        pdas.search(net, twice, data(), epochs=2, batch_size=20)
        for net in (Regression(), Together())
    ]
    assert results[0].history[-1].measures == results[1].history[-1].measures


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (([1], []), r"data: found 2 parts of \[1, 0\] batches"),
        (([1],), "data: found 1 parts"),
        (iter([1]), "has no length"),
        ((iter([1]), iter([1])), r"data: found 2 parts of \[None, None\] batches"),
    ],
)
def test_bad_data_is_named(bad: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        pdas.search(Regression(), loss, bad)


def test_an_optimizer_of_ones_own_keeps_its_number_of_samples() -> None:
    told: list[int] = []

    class Watched(pdas.PDAS):
        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            told.append(len(architectures))
            super().tell(architectures, losses, active)

    optimizer = Watched(Regression.space, samples=5)
    result = pdas.search(
        Regression(), loss, data(), optimizer=optimizer, epochs=1, batch_size=50, samples=3
    )
    assert result.optimizer is optimizer
    assert told == [5, 5]


def test_an_optimizer_of_another_space_is_refused() -> None:
    other = pdas.PDAS(pdas.SearchSpace({"power": [1, 2]}))
    with pytest.raises(SettingError, match="optimizer: found one of another search space"):
        pdas.search(Regression(), loss, data(), optimizer=other)


def test_a_measure_may_be_a_plain_number() -> None:
    def counted(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
        return {**loss(model, batch), "count": 20.0}

    result = pdas.search(Regression(), counted, data(), epochs=1, batch_size=20)
    assert result.history[0].measures["count"] == 20


@pytest.mark.parametrize("bad", [0.5, {"error": torch.zeros(())}, torch.zeros(2)])
def test_a_loss_that_is_no_scalar_tensor_is_named(bad: Any) -> None:
    with pytest.raises(SettingError, match=r"loss: found .*expected a scalar tensor"):
        pdas.search(Regression(), lambda model, batch: bad, data(), batch_size=20)


class WithBatchNorm(nn.Module):
    """Two branches behind a batch norm that keeps running statistics."""

    space = pdas.SearchSpace({"branch": [0, 1]})

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.branches = nn.ModuleList(nn.Linear(3, 1) for _ in range(2))

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return self.branches[architecture["branch"]](self.norm(x))


def test_no_statistics_of_the_data_are_kept() -> None:
    net = WithBatchNorm()
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    half = [torch.full((4, 3), 100.0) + torch.randn(4, 3)]
    pdas.search(net, lambda model, batch: model(batch).square().mean(), (half, half), epochs=2)
    assert net.norm.track_running_stats
    assert all(torch.equal(before[name], buffer) for name, buffer in net.named_buffers())
