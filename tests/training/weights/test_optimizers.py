"""The steps of a training, its rate, and running means."""

from __future__ import annotations

import math
from itertools import cycle

import pytest
import torch
from torch import nn

from pdas.methods.settings import SearchSettings
from pdas.retraining.settings import NetworkTrainingSettings
from pdas.support.errors import SettingError
from pdas.support.settings import validated
from pdas.training.measures import RunningMean
from pdas.training.settings import TrainingSettings
from pdas.training.steps import steps_of
from pdas.training.weights.optimizer import optimizer_and_schedule


def settings(**length: int | None) -> SearchSettings:
    return SearchSettings(**{"epochs": None, **length}, optimizer={"learning_rate": 0.1})  # type: ignore[arg-type]


def made(
    net: nn.Module, given: SearchSettings, steps: int, stays: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    return optimizer_and_schedule(
        net, given, steps=steps, stays=stays, make_optimizer=None, make_schedule=None
    )


def rates(given: SearchSettings, per_epoch: int) -> list[float]:
    """The learning rate of every step, and the one after the last."""
    steps = given.total_steps(per_epoch)
    sgd, schedule = made(nn.Linear(1, 1), given, steps, 1 if given.steps else per_epoch)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        sgd.step()
        schedule.step()
    return [*found, schedule.get_last_lr()[0]]


class Letters:
    """Passes over a, b and c."""

    def __init__(self) -> None:
        self._letters = cycle("abc")

    def __len__(self) -> int:
        return 3

    def __next__(self) -> str:
        return next(self._letters)


def test_epochs_are_whole_passes() -> None:
    steps = [step for step, _ in steps_of(Letters(), 6, 0)]
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2, 2]
    assert [step.ends_epoch for step in steps] == [False, False, True] * 2
    assert [step.starts_epoch for step in steps] == [True, False, False] * 2
    assert [step.fraction for step in steps] == [0, 0, 0, 1, 1, 1]
    assert {(step.steps, step.epochs) for step in steps} == {(6, 2)}


def test_steps_may_end_within_a_pass() -> None:
    found = list(steps_of(Letters(), 4, 0))
    assert "".join(batch for _, batch in found) == "abca"
    assert [step.ends_epoch for step, _ in found] == [False, False, True, True]
    assert settings(steps=4).total_steps(3) == 4 and settings(epochs=4).total_steps(3) == 12


def test_a_training_is_resumed_at_any_step_as_it_would_have_gone_on() -> None:
    for steps in (6, 4):
        whole = [step for step, _ in steps_of(Letters(), steps, 0)]
        for done in range(len(whole) + 1):
            assert [step for step, _ in steps_of(Letters(), steps, done)] == whole[done:]


def test_the_rate_is_that_of_torchs_cosine() -> None:
    sgd = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, 5)
    expected = []
    for _ in range(5):
        expected.append(cosine.get_last_lr()[0])
        sgd.step()
        cosine.step()
    assert rates(settings(steps=5), 2) == pytest.approx([*expected, 0])
    by_epoch = [rate for rate in expected for _ in range(3)]
    assert rates(settings(epochs=5), 3) == pytest.approx([*by_epoch, 0])


@pytest.mark.parametrize("name", ["constant", "cosine"])
def test_the_rate_rises_in_the_warm_up_by_epochs(name: str) -> None:
    plain = rates(settings(epochs=6, schedule={"name": name}), 2)
    warmed = rates(settings(epochs=6, schedule={"name": name, "warmup": 4}), 2)
    shares = [share for epoch in range(6) for share in [min(1, (epoch + 1) / 4)] * 2]
    assert warmed[:-1] == pytest.approx([a * b for a, b in zip(plain, shares, strict=False)])
    by_step = rates(settings(steps=3, schedule={"name": "constant", "warmup": 2}), 5)
    assert by_step == pytest.approx([0.05, 0.1, 0.1, 0.1])


@pytest.mark.parametrize(
    ("kind", "group"), [(SearchSettings, "search"), (NetworkTrainingSettings, "retrain")]
)
def test_a_warm_up_longer_than_the_training_is_named(
    kind: type[TrainingSettings], group: str
) -> None:
    longer = {"name": "cosine", "warmup": 6}
    for name, length in (("epochs", {"epochs": 5}), ("steps", {"epochs": None, "steps": 5})):
        with pytest.raises(SettingError) as caught:
            validated(kind, {**length, "schedule": longer}, group)
        assert str(caught.value) == (
            f"{group}.schedule.warmup: found 6, expected at most 5, the {name} of the training; "
            f"lower it, or raise {name}"
        )
        validated(kind, {**length, "schedule": {"name": "cosine", "warmup": 5}}, group)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_weights_are_updated_as_torch_does(name: str) -> None:
    ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    momentum = {"momentum": 0.8} if name == "sgd" else {}
    values = {"name": name, "learning_rate": 0.1, "weight_decay": 0.3, **momentum}
    given = SearchSettings(epochs=None, steps=4, optimizer=values)
    update, schedule = made(ours, given, 4, 1)
    for step, x in enumerate(torch.randn(4, 5, 3)):
        rate = 0.1 * (1 + math.cos(math.pi * step / 4)) / 2
        if step == 0 and name == "sgd":
            expected = torch.optim.SGD(theirs.parameters(), rate, 0.8, weight_decay=0.3)
        elif step == 0:
            expected = torch.optim.AdamW(theirs.parameters(), rate, weight_decay=0.3)
        expected.param_groups[0]["lr"] = rate
        for net, optimizer in ((ours, update), (theirs, expected)):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
        schedule.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


def test_a_length_is_set_in_one_unit() -> None:
    for length in ({"epochs": 3, "steps": 3}, {"epochs": None}):
        with pytest.raises(SettingError, match=r"^search: found epochs = .* expected one of both"):
            validated(SearchSettings, length, "search")


def test_a_running_mean_is_of_what_was_added() -> None:
    mean = RunningMean()
    for value in (1.0, 2.0, 6.0):
        mean.add({"loss": torch.tensor(value, requires_grad=True), "part": value / 2})
    assert mean.values() == {"loss": 3, "part": 1.5}


def test_a_running_mean_counts_each_measure_by_itself() -> None:
    mean = RunningMean()
    for measures in ({"loss": 1.0}, {"loss": 3.0, "theta_loss": 5.0}, {"theta_loss": 6.0}):
        mean.add(measures)
    assert mean.values() == {"loss": 2, "theta_loss": 5.5}
    other = RunningMean()
    other.load_state_dict(mean.state_dict())
    for each in (mean, other):
        each.add({"loss": 5.0})
        assert each.values() == {"loss": 3, "theta_loss": 5.5}
    mean.clear()
    mean.add({"theta_loss": 7.0})
    assert mean.values() == {"theta_loss": 7}


@pytest.mark.parametrize("fused", [False, True])
def test_a_weight_may_get_its_first_gradient_late(fused: bool) -> None:
    """With torch's fused SGD it may not, which is why ours is not fused."""
    net = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))
    settings = SearchSettings(optimizer={"name": "sgd"})
    optimizer, _ = optimizer_and_schedule(
        net, settings, steps=9, stays=1, make_optimizer=None, make_schedule=None
    )
    assert not any(group["fused"] for group in optimizer.param_groups)
    for group in optimizer.param_groups:
        group["fused"] = fused

    def step(*used: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        sum((net[i](torch.ones(1, 2)).sum() for i in used), torch.zeros(())).backward()
        optimizer.step()

    step(0)
    if not fused:
        step(0, 1)
        return
    with pytest.raises(TypeError):
        step(0, 1)
