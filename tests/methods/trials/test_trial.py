"""A finalist's training of its own."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from pdas.methods.settings import SearchSettings
from pdas.methods.trials.trial import Trial, packed, unpacked
from pdas.support.random_state import random_state, set_random_state


def loader(seed: int, size: int = 8) -> DataLoader[Any]:
    x = torch.randn(40, 4, generator=torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed)
    data = TensorDataset(x, x.sum(1, keepdim=True))
    return DataLoader(data, size, shuffle=True, drop_last=True, generator=generator)


def loss(model: Any, batch: list[Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def trial(objective: Any = loss, **settings: Any) -> Trial:
    optimizer = {"name": "sgd", "learning_rate": 0.05} | settings.pop("optimizer", {})
    chosen = SearchSettings(optimizer=optimizer, **settings)
    return Trial(objective, loader(1), loader(2), chosen, 5, "cpu", "32-true")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))


def weights(net: nn.Module) -> dict[str, list[float]]:
    return {name: tensor.tolist() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("pause", [1, 5, 11])
def test_in_two_parts_it_is_the_same_as_in_one(optimizer: str, pause: int) -> None:
    whole, one, other = network(), network(), nn.Sequential(*network().children())
    _, expected = trial(optimizer={"name": optimizer})(whole, None, 12, 12)
    state, _ = trial(optimizer={"name": optimizer})(one, None, pause, 12)
    torch.rand(7)
    _, found = trial(optimizer={"name": optimizer})(other, state, 12, 12)
    assert found == expected and weights(other) == weights(whole)


def test_it_is_the_plain_training() -> None:
    """SGD by hand, with the batches that the loader gives after the seed."""
    plain = nn.Linear(4, 1)
    ours = nn.Linear(4, 1)
    ours.load_state_dict(plain.state_dict())
    batches = loader(1)
    batches.generator.manual_seed(5)  # type: ignore[union-attr]
    sgd = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.9, weight_decay=3e-4)
    torch.manual_seed(5)
    taken = 0
    for _ in range(2):
        for batch in batches:
            rate = 0.05 * (1 + np.cos(np.pi * taken / 10)) / 2
            sgd.param_groups[0]["lr"] = rate
            sgd.zero_grad()
            loss(plain, batch).backward()
            nn.utils.clip_grad_norm_(plain.parameters(), 5)
            sgd.step()
            taken += 1
    _, found = trial(epochs=None, steps=99)(ours, None, 10, 10)
    assert torch.allclose(ours.weight, plain.weight, atol=1e-6)
    judged = [
        float(loss(plain, [x, x.sum(1, keepdim=True)]).detach()) for x in [loader(2).dataset[:][0]]
    ]
    assert found == pytest.approx(judged[0], rel=1e-4)


def test_other_random_numbers_are_left_as_they_were() -> None:
    training, net = trial(), network()
    own = [training.batches.generator, training.theta_batches.generator]  # type: ignore[attr-defined]
    draws = [
        lambda: torch.rand(1).item(),
        random.random,
        np.random.rand,
        *(lambda g=g: torch.rand(1, generator=g).item() for g in own),
    ]
    before = random_state(own)
    expected = [draw() for draw in draws]
    set_random_state(before, own)
    training(net, None, 3, 3)
    assert [draw() for draw in draws] == expected


def test_the_seed_decides_all_that_is_drawn() -> None:
    def found(seed: int) -> tuple[Any, float]:
        net = network()
        training = replace(trial(), seed=seed)
        return weights(net), training(net, None, 7, 7)[1]

    assert found(5) == found(5)
    assert found(5) != found(6)


@pytest.mark.parametrize("steps", [3, 10])
def test_the_rate_falls_to_0_at_the_end_of_a_whole_training(steps: int) -> None:
    state, _ = trial(epochs=None, steps=99)(network(), None, steps, steps)
    assert last_rate(state) == pytest.approx(0, abs=1e-12)
    half, _ = trial(epochs=None, steps=99)(network(), None, steps, 2 * steps)
    assert last_rate(half) == pytest.approx(0.05 / 2)


def last_rate(state: Tensor | None) -> float:
    assert state is not None
    rate: float = unpacked(state)["schedule"]["_last_lr"][0]
    return rate


def test_the_rate_falls_with_every_step_also_where_the_search_is_set_in_epochs() -> None:
    state, _ = trial(epochs=3)(network(), None, 2, 4)
    assert last_rate(state) == pytest.approx(0.05 / 2)


@pytest.mark.parametrize("length", [{"epochs": 5}, {"epochs": None, "steps": 200}])
def test_the_rate_rises_in_the_same_share_of_the_training_as_in_the_search(
    length: dict[str, int | None],
) -> None:
    search = length.get("steps") or 5
    schedule = {"name": "constant", "warmup": search // 5 * 2}
    training = trial(**length, schedule=schedule)
    found = [last_rate(training(network(), None, until, 10)[0]) for until in (0, 1, 3, 10)]
    assert found == pytest.approx([0.05 / 4, 0.05 / 2, 0.05, 0.05])


def test_batch_norms_use_the_batch_at_hand() -> None:
    """Inputs far from mean 0: running statistics of few steps would be far from theirs."""
    x = 50 + torch.randn(40, 4, generator=torch.Generator().manual_seed(1))
    rows = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), 8, generator=torch.Generator())
    norm = nn.BatchNorm1d(4)
    net = nn.Sequential(norm, nn.Linear(4, 1))
    settings = SearchSettings(optimizer={"learning_rate": 1e-12})
    _, found = Trial(loss, rows, rows, settings, 0, "cpu", "32-true")(net, None, 1, 1)
    with torch.no_grad():
        expected = np.mean([float(loss(net.train(), batch)) for batch in rows])
    assert found == pytest.approx(expected, rel=1e-5)
    assert norm.track_running_stats


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", "bf16-mixed"])
def test_it_is_judged_in_the_precision_of_the_training(precision: str) -> None:
    _, found = replace(trial(), precision=precision)(network(), None, 2, 2)
    _, expected = trial()(network(), None, 2, 2)
    assert found == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("net", [nn.Identity(), nn.Linear(4, 1).requires_grad_(False)])
def test_a_network_without_weights_to_train_is_judged_as_it_is(net: nn.Module) -> None:
    state, first = trial()(net, None, 2, 4)
    _, second = trial()(net, state, 4, 4)
    assert first == second and np.isfinite(first)


def test_a_network_that_does_not_use_its_weights_is_judged_as_it_is() -> None:
    class Unused(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :1]

    _, found = trial()(Unused(4, 1), None, 2, 4)
    assert np.isfinite(found)


def test_what_diverged_may_diverge_later() -> None:
    """Loss and weights are finite in the first part of the training."""
    net = nn.Linear(4, 1)
    state, found = trial()(net, None, 3, 12)
    assert state is not None and np.isfinite(found)
    broken = unpacked(state)
    with torch.no_grad():
        broken["network"]["weight"].fill_(torch.nan)
    assert trial()(nn.Linear(4, 1), packed(broken), 12, 12) == (None, float("inf"))


def test_a_loss_on_theta_that_is_not_a_number_is_infinite() -> None:
    def broken(model: Any, batch: list[Tensor]) -> Tensor:
        return loss(model, batch) * (1 if torch.is_grad_enabled() else torch.nan)

    state, found = trial(broken)(network(), None, 3, 3)
    assert state is not None and found == float("inf")


def test_what_diverges_has_an_infinite_loss() -> None:
    state, found = trial(optimizer={"learning_rate": 1e12}, clip=1e18)(
        nn.Linear(4, 1), None, 10, 10
    )
    assert state is None and found == float("inf")


def test_a_batch_in_parts_has_the_same_gradient() -> None:
    nets = [nn.Linear(4, 1) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    for net, parts in zip(nets, (1, 4), strict=True):
        trial(accumulate=parts)(net, None, 6, 6)
    assert torch.allclose(nets[0].weight, nets[1].weight, atol=1e-6)


def test_it_is_judged_without_dropout_on_so_many_batches() -> None:
    seen: list[bool] = []

    def watch(model: Any, batch: list[Tensor]) -> Tensor:
        if not torch.is_grad_enabled():
            seen.append(model.training)
        return loss(model, batch)

    trial(watch)(network(), None, 2, 2, 3)
    assert seen == [False] * 3


def test_every_judgement_has_the_same_draws_however_long_the_training_was() -> None:
    seen: list[tuple[list[float], float]] = []

    def watch(model: Any, batch: list[Tensor]) -> Tensor:
        if not torch.is_grad_enabled():
            seen.append((batch[0][:, 0].tolist(), float(torch.rand(1))))
        return loss(model, batch)

    for steps in (2, 7):
        trial(watch)(network(), None, steps, 9, 3)
    assert len(seen) == 6 and seen[:3] == seen[3:]


def test_a_network_in_evaluation_mode_is_trained_as_any_other() -> None:
    one, other = network(), network().eval()
    assert trial()(one, None, 4, 4)[1] == trial()(other, None, 4, 4)[1]
    assert weights(one) == weights(other)


def test_it_computes_the_same_in_another_process() -> None:
    """As `pickle` carries it there, with the loaders and their generators."""
    whole, one, other = network(), network(), network()
    _, expected = trial()(whole, None, 12, 12)
    state, _ = trial()(one, None, 5, 12)
    there = pickle.loads(pickle.dumps((trial(), other, state)))
    _, found = there[0](there[1], there[2], 12, 12)
    assert found == expected and weights(there[1]) == weights(whole)
