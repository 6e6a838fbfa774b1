"""`pdas.search` on a network and data of one's own."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pdas
from pdas.nn import Choice, Supernet
from pdas.space import Architecture
from pdas.support.errors import SettingError

paper_search = partial(pdas.search, preset="paper")


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
    result = paper_search(
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
    own = {"decided", "convergence", "eta"}
    assert {"loss", "worst", "theta_loss", "theta_worst"} | own == result.history[
        -1
    ].measures.keys()
    rates = [progress.learning_rate for progress in result.history]
    assert rates[0] == 0.025 and rates == sorted(rates, reverse=True)


def test_the_halves_share_nothing_and_each_trains_its_own() -> None:
    seen: tuple[list[float], list[float]] = ([], [])

    def watch(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        seen[0 if torch.is_grad_enabled() else 1].extend(batch[0].tolist())
        return loss(model, batch)["loss"]

    paper_search(Regression(), watch, data(), epochs=2, batch_size=20)
    assert len(set(seen[0])) == len(set(seen[1])) == 100
    assert not set(seen[0]) & set(seen[1])


def test_batches_of_ones_own_are_taken_as_they_are() -> None:
    batch = tuple(torch.stack(column) for column in zip(*data(), strict=True))
    batches = DataLoader([batch] * 3, batch_size=None), DataLoader([batch], batch_size=None)
    result = paper_search(Regression(), loss, batches, epochs=2)
    assert result.history[-1].step == 6


def test_the_same_seed_gives_the_same_theta() -> None:
    def theta(seed: int) -> list[float]:
        result = paper_search(Regression(), loss, data(), epochs=2, batch_size=50, seed=seed)
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
        paper_search(Regression(), loss, data(), **settings)


def test_a_network_without_a_space_is_named() -> None:
    with pytest.raises(SettingError, match="Linear has no search space"):
        paper_search(nn.Linear(1, 1), loss, data())


def test_a_loss_that_changes_its_input_gets_the_output_of_each_architecture() -> None:
    class Together(Regression):
        def forward_many(self, x: Tensor, architectures: Any) -> list[Tensor]:
            return [self(x, architecture) for architecture in architectures]

    def twice(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        return (model(2 * x) - y).square().mean()  # a new tensor at every call

    results = [
        paper_search(net, twice, data(), epochs=2, batch_size=20)
        for net in (Regression(), Together())
    ]
    assert results[0].history[-1].measures == results[1].history[-1].measures


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (([1] * 99, []), "data: found list without examples"),
        (([1],), "data: found a tuple of 1, expected the two halves"),
        (iter([1]), "found list_iterator, expected a map-style data set with a length"),
        (DataLoader(data()), "found DataLoader, expected a map-style data set"),
        ((torch.ones(9, 1), torch.ones(9)), r"found a Tensor by itself.*TensorDataset\(x, y\)"),
        (np.ones((9, 1)), "found a ndarray by itself"),
        ((iter([1]), iter([1])), "data: found list_iterator without a length"),
    ],
)
def test_bad_data_is_named(bad: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        paper_search(Regression(), loss, bad)


def test_an_optimizer_of_ones_own_keeps_its_number_of_samples() -> None:
    told: list[int] = []

    class Watched(pdas.PDAS):
        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            told.append(len(architectures))
            super().tell(architectures, losses, active)

    optimizer = Watched(Regression.space, samples=5)
    result = paper_search(
        Regression(), loss, data(), method=optimizer, epochs=1, batch_size=50, samples=3
    )
    assert result.optimizer is optimizer
    assert told == [5, 5]
    with pytest.raises(SettingError, match="found theta_samples = 4 and samples = 5, expected at"):
        paper_search(Regression(), loss, data(), method=optimizer, theta_samples=4)


def test_an_optimizer_of_another_space_is_refused() -> None:
    other = pdas.PDAS(pdas.SearchSpace({"power": [1, 2]}))
    with pytest.raises(SettingError, match="method: found PDAS of another search space"):
        paper_search(Regression(), loss, data(), method=other)


def test_a_measure_may_be_a_plain_number() -> None:
    def counted(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
        return {**loss(model, batch), "count": 20.0}

    result = paper_search(Regression(), counted, data(), epochs=1, batch_size=20)
    assert result.history[0].measures["count"] == 20


@pytest.mark.parametrize("bad", [0.5, {"error": torch.zeros(())}, torch.zeros(2)])
def test_a_loss_that_is_no_scalar_tensor_is_named(bad: Any) -> None:
    with pytest.raises(SettingError, match=r"loss: found .*returns a scalar tensor"):
        paper_search(Regression(), lambda model, batch: bad, data(), batch_size=20)


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
    half = DataLoader([torch.full((4, 3), 100.0) + torch.randn(4, 3)], batch_size=None)
    paper_search(net, lambda model, batch: model(batch).square().mean(), (half, half), epochs=2)
    assert net.norm.track_running_stats
    assert all(torch.equal(before[name], buffer) for name, buffer in net.named_buffers())


class Line(nn.Module):
    """y = w x, where the weight may be given any of three sizes; an unused one never learns."""

    def __init__(self) -> None:
        super().__init__()
        layers = {f"{n}": nn.Sequential(nn.Linear(1, n), nn.Linear(n, 1)) for n in (1, 4, 16)}
        self.hidden = Choice("hidden", layers)
        inner = Choice("inner", {"a": nn.Identity(), "b": nn.Tanh()})
        self.outer = Choice("outer", {"plain": nn.Identity(), "curved": nn.Sequential(inner)})

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.outer(self.hidden(x.unsqueeze(1))).squeeze(1)
        return out


def error(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    x, y = batch
    return (model(x) - y).square().mean()


def test_no_architecture_over_the_limit_is_trained_or_found() -> None:
    net = Supernet(Line())
    cost = net.cost("parameters")
    before = net.module.hidden.candidate(2)[0].weight.detach().clone()
    seen: set[float] = set()
    result = paper_search(
        net, error, data(), limit=pdas.Limit(cost, 13), steps=40, batch_size=20, seed=1,
        on_epoch=lambda r: seen.add(cost(r.architecture)),
    )  # fmt: skip
    assert seen <= {4, 13} and cost(result.architecture) <= 13
    assert 0.1 < result.history[-1].measures["rejection_rate"] < 0.6  # a third at first
    assert torch.equal(net.module.hidden.candidate(2)[0].weight, before)


def test_a_penalty_decides_where_the_losses_do_not() -> None:
    def constant(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        return 0 * model(batch[0]).sum()

    net = Supernet(Line())
    penalty = pdas.Penalty(net.cost("parameters"), target=4, weight=0.1)
    result = paper_search(net, constant, data(), penalty=penalty, steps=300, batch_size=20)
    assert result.architecture["hidden"] == "1"
    assert result.history[-1].measures["theta_loss"] == 0  # the penalty is no part of it
    assert "rejection_rate" not in result.history[-1].measures


def test_a_limit_that_nothing_meets_is_named() -> None:
    net = Supernet(Line())
    with pytest.raises(SettingError, match=r"limit\.maximum: found 3, expected at least 4"):
        paper_search(net, error, data(), limit=pdas.Limit(net.cost("parameters"), 3))


def test_inactive_variables_learn_nothing_unless_that_is_off() -> None:
    class Watched(pdas.PDAS):
        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            told.append((architectures, active))
            super().tell(architectures, losses, active)

    for setting in ({}, {"mask_inactive": False}):
        told: list[tuple[Any, Any]] = []
        net = Supernet(Line())
        optimizer = Watched(net.space)
        paper_search(net, error, data(), method=optimizer, steps=20, batch_size=20, **setting)
        for architectures, active in told:
            if setting:
                assert active is None
            else:
                assert active.tolist() == [net.active(a).tolist() for a in architectures]
                assert active[:, 1].all() and set(active[:, 2]) <= {True, False}
        assert len(told) == 20


def test_a_model_takes_what_its_network_takes() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(1, 1)
            self.act = Choice("act", {"none": nn.Identity(), "tanh": nn.Tanh()})

        def forward(self, x: Tensor, scale: Tensor, *, y: Tensor) -> dict[str, Tensor]:
            h = self.act(self.linear(x.unsqueeze(1))).squeeze(1) * scale
            return {"loss": (h - y).square().mean(), "mean": h.detach().mean()}

    def named(model: Any, batch: tuple[Tensor, Tensor]) -> Any:
        return model(batch[0], torch.tensor(2.0), y=batch[1])

    result = paper_search(Supernet(Scaled()), named, data(), steps=10, batch_size=20)
    measured = {"loss", "mean", "theta_loss", "theta_mean"}
    assert measured | {"decided", "convergence", "eta"} == result.history[-1].measures.keys()


@pytest.mark.parametrize(("length", "steps"), [({"steps": 7}, 7), ({"epochs": 2}, 10)])
def test_steps_or_epochs_alone_set_the_length(length: dict[str, int], steps: int) -> None:
    settings = pdas.SearchSettings(steps=3, epochs=None)
    ways: tuple[dict[str, Any], ...] = ({"preset": "paper"}, {"settings": settings})
    for way in ways:
        result = pdas.search(Regression(), loss, data(), batch_size=20, **way, **length)
        assert result.history[-1].step == steps


def test_a_wrapped_network_is_named() -> None:
    with pytest.raises(SettingError, match=r"DataParallel has no search space.*without a wrapper"):
        paper_search(nn.DataParallel(Supernet(Line())), error, data())


def test_a_loss_without_a_gradient_is_named() -> None:
    def cut(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        return error(model, batch).detach()

    with pytest.raises(SettingError, match=r"loss: found that no architecture of step 1 has one"):
        paper_search(Supernet(Line()), cut, data(), steps=1, batch_size=20)


def test_two_data_sets_are_the_halves() -> None:
    seen: tuple[set[float], set[float]] = (set(), set())

    def watch(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        assert batch[0].shape == (20,)
        seen[0 if torch.is_grad_enabled() else 1].update(batch[0].tolist())
        return error(model, batch)

    first, second = TensorDataset(*data()[:120]), TensorDataset(*data()[120:])
    result = paper_search(Supernet(Line()), watch, (first, second), epochs=1, batch_size=20)
    assert result.history[-1].step == 6
    assert [len(half) for half in seen] == [120, 80]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "mse"}, r"loss: found str, expected a function loss\(model, batch\)"),
        ({"executor": 2}, "executor: found int, expected one of concurrent.futures"),
        ({"preset": "fast"}, "preset: found 'fast', expected one of default, paper"),
        ({"limit": 100}, r"limit: found int, expected one pdas\.Limit; make it of net\.cost"),
        ({"penalty": [1]}, "penalty: found list"),
        (
            {"method": torch.optim.SGD([torch.ones(1)])},
            r"method: found SGD without ask, tell, best, space, .* add what it lacks",
        ),
    ],
)
def test_arguments_of_another_kind_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        paper_search(**({"net": Supernet(Line()), "loss": error, "data": data()} | arguments))


QUICK: dict[str, Any] = {"steps": 300, "batch_size": 20, "optimizer": {"learning_rate": 0.1}}


class Apart(Regression):
    """A scale for each power."""

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        power = int(architecture["power"])
        return self.scales[power - 1] * x**power


def even(n: int = 200) -> TensorDataset:
    """What the first and the third power can explain in part."""
    x = torch.linspace(0.5, 1.5, n)
    return TensorDataset(x, 3 * x**2)


def test_finalists_of_a_network_that_cannot_be_derived_are_judged_by_the_shared_weights() -> None:
    result = pdas.search(Apart(), loss, even(), finalists=3, **QUICK)
    assert [f.steps for f in result.finalists] == [0, 0, 0]
    losses = [f.shared_loss for f in result.finalists]
    assert losses == sorted(losses) and result.architecture == result.finalists[0].architecture
    with pytest.raises(SettingError, match=r"Apart has no derive\(architecture\)"):
        pdas.search(Apart(), loss, even(), finalists=3, finalists_share=0.5)


def test_the_default_search_finds_the_planted_choice_within_the_limit() -> None:
    net = Supernet(Line())
    cost = net.cost("parameters")
    x = torch.linspace(-1, 1, 200)
    straight = TensorDataset(x, 2 * x)
    result = pdas.search(net, error, straight, limit=pdas.Limit(cost, 13), **QUICK)
    assert result.architecture == result.finalists[0].architecture
    assert all(cost(finalist.architecture) <= 13 for finalist in result.finalists)
    longest = [f for f in result.finalists if f.steps == result.finalists[0].steps]
    assert result.finalists[0].loss == min(f.loss for f in longest)
    assert result.architecture["outer"] == "plain"  # which a straight line wants


def test_finalists_are_trained_as_long_as_the_user_says_and_more_of_them_instead() -> None:
    x = torch.linspace(-1, 1, 400)
    sizes = {"epochs": 60, "batch_size": 20, "finalists": 2, "seed": 0}
    result = pdas.search(
        Supernet(Line()), error, TensorDataset(x, 2 * x), finalists_epochs=1, **sizes
    )
    assert len(result.finalists) > 2  # as many as there are
    assert max(f.steps for f in result.finalists) == 10


def test_a_single_network_within_the_limit_is_found_without_a_training_of_its_own() -> None:
    layers = {str(n): nn.Sequential(nn.Linear(1, n), nn.Linear(n, 1)) for n in (1, 4, 16)}
    net = Supernet(Choice("hidden", layers))
    x = torch.linspace(-1, 1, 200).unsqueeze(1)
    limit = pdas.Limit(net.cost("parameters"), 4)
    result = pdas.search(net, error, TensorDataset(x, 2 * x), limit=limit, **QUICK)
    (only,) = result.finalists
    assert only.steps == 0 and only.shared_loss is not None
    assert result.architecture.to_dict() == only.architecture.to_dict() == {"hidden": "1"}


def test_the_default_search_keeps_to_the_penalty() -> None:
    """Every network fits, and the large ones a bit sooner."""
    net = Supernet(Line())
    cost = net.cost("parameters")
    x = torch.linspace(-1, 1, 200)
    penalty = pdas.Penalty(cost, target=4, weight=5)
    result = pdas.search(net, error, TensorDataset(x, 2 * x), penalty=penalty, **QUICK)
    assert cost(result.architecture) == 4
    assert all(f.penalty == penalty(f.architecture) for f in result.finalists)


class Normed(nn.Module):
    """Inputs far from mean 0 and variance 1; only a batch norm makes them fit to be learned."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = Choice("norm", {"batch": nn.BatchNorm1d(1), "none": nn.Identity()})
        self.out = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.norm(x.unsqueeze(1))).squeeze(1)
        return found


def test_finalists_with_batch_norms_are_judged_by_the_statistics_of_their_data() -> None:
    x = 50 + 10 * torch.randn(400, generator=torch.Generator().manual_seed(0))
    rows = TensorDataset(x, (x - 50) / 10)
    result = pdas.search(
        Supernet(Normed()), error, rows, **(QUICK | {"optimizer": {"learning_rate": 0.01}})
    )
    assert result.architecture["norm"] == "batch" and result.finalists[0].loss < 0.5


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        ("x", "derive: found str, expected a function that makes the network"),
        (lambda a: None, "derive: found that it makes a NoneType, .* set finalists=0"),
    ],
)
def test_what_makes_no_network_is_found_before_the_search(derive: Any, message: str) -> None:
    steps: list[int] = []
    with pytest.raises(SettingError, match=message):
        pdas.search(Supernet(Line()), error, data(), derive=derive, on_step=steps.append, **QUICK)
    assert not steps


def test_a_module_that_cannot_be_drawn_afresh_is_found_before_the_search() -> None:
    class Scaled(Line):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            return self.scale * super().forward(x)

    with pytest.raises(SettingError, match=r"no network can be derived .* finalists=0"):
        pdas.search(Supernet(Scaled()), error, data(), **QUICK)
    x = torch.linspace(-1, 1, 200)
    rows = TensorDataset(x, 2 * x)
    assert pdas.search(Supernet(Scaled()), error, rows, finalists=0, **QUICK).architecture


def test_an_optimizer_with_more_samples_than_the_preset_tells_theta_of_all() -> None:
    net = Supernet(Line())
    x = torch.linspace(-1, 1, 200)
    optimizer = pdas.PDAS(net.space, samples=10)
    result = pdas.search(
        net, error, TensorDataset(x, 2 * x), method=optimizer, finalists=0, **QUICK
    )
    assert result.history


def test_fewer_finalists_than_asked_for_are_said(caplog: pytest.LogCaptureFixture) -> None:
    pdas.search(Apart(), loss, even(), finalists=5, **QUICK)
    assert "found 3 distinct networks of theta, expected 5" in caplog.text


def test_a_measure_that_is_no_number_is_named() -> None:
    def several(model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
        return {"loss": error(model, batch), "outputs": torch.ones(3)}

    with pytest.raises(SettingError, match="loss: found Tensor as the measure 'outputs'"):
        paper_search(Supernet(Line()), several, data(), steps=1, batch_size=20)


def test_the_model_says_what_it_is() -> None:
    def penalised(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        return error(model, batch) + sum(w.abs().sum() for w in model.parameters())

    with pytest.raises(AttributeError, match="runs one architecture and has no 'parameters'"):
        paper_search(Supernet(Line()), penalised, data(), steps=1, batch_size=20)
