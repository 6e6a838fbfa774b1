"""A search that ends before its planned length: the reasons, the result, and how it goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.support.errors import SettingError
from pdas.training.stopping import Stopwatch

STEPS, PER_EPOCH = 30, 4
FINALS = {"finalists": 4, "finalists_share": 0.5}
LONG = {"epochs": None, "steps": 2 * STEPS, **FINALS}  # about as many steps beside finalists


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.op = Choice("op", {"wide": nn.Linear(2, 2), "skip": nn.Identity()})
        self.end = Choice("end", {"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.end(self.op(x))
        return out


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def data() -> TensorDataset:
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x.sum(1) > 0).long())


def searched(**changes: Any) -> pdas.SearchResult:
    torch.manual_seed(0)
    settings = {"preset": "paper", "steps": STEPS, "batch_size": 8, **changes}
    fabric = Fabric(accelerator="cpu", devices=1)
    return pdas.search(Supernet(Net()), loss, data(), fabric=fabric, **settings)


def at(step: int, answer: object = True) -> Callable[[pdas.Progress], Any]:
    return lambda progress: answer if progress.step == step else None


def interrupt_at(unit: int) -> dict[str, Callable[..., None]]:
    """`on_step` and `on_trial` that press Ctrl-C in one of all units of work."""
    done = 0

    def count(*about: object) -> None:
        nonlocal done
        done += 1
        if done == unit:
            os.kill(os.getpid(), signal.SIGINT)

    return {"on_step": count, "on_trial": count}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time that each look at the watch takes, in minutes; it adds up over resumes."""

    def ticks(minutes: float) -> None:
        def seconds(self: Any) -> float:
            self.looks = getattr(self, "looks", 0) + 60 * minutes
            return float(self.looks)

        monkeypatch.setattr(Stopwatch, "seconds", seconds)
        monkeypatch.setattr(
            Stopwatch,
            "load_state_dict",
            lambda self, state: setattr(self, "looks", state["seconds"]),
        )

    return ticks


def decided(result: pdas.SearchResult) -> list[float]:
    return [each.measures["decided"] for each in result.history]


@pytest.mark.parametrize(
    ("answer", "stops"), [(True, True), (False, False), (None, False), (5, False)]
)
def test_on_step_stops_by_true_alone(answer: object, stops: bool) -> None:
    result = searched(on_step=at(6, answer))
    assert result.stopped == ("on_step" if stops else None)
    assert result.history[-1].step == (6 if stops else STEPS)


def test_what_was_found_until_then_is_the_result() -> None:
    whole: list[pdas.Progress] = []
    searched(on_step=whole.append)  # type: ignore[arg-type]
    epochs: list[int] = []
    result = searched(on_step=at(6), on_epoch=lambda result: epochs.append(len(result.history)))
    assert [each.step for each in result.history] == [4, 6] and epochs == [1, 2]
    assert result.history[-1].measures == whole[5].measures  # the same steps as without a stop
    assert len(result.theta) == 3
    assert result.architecture == result.method.best()


def test_a_stop_in_the_last_step_is_none() -> None:
    result = searched(on_step=at(STEPS))
    assert result.stopped is None and result.history[-1].step == STEPS


def test_patience_counts_the_epochs_since_the_least_loss_of_theta() -> None:
    values = iter([3.0, 2.0, 2.5, 2.0, 1.0, 1.5, 1.5, 1.5, 0.0])
    shown = []

    def made_up(model: Any, batch: Any) -> Tensor:
        return loss(model, batch) * 0 + (1.0 if torch.is_grad_enabled() else shown[-1])

    def on_step(progress: pdas.Progress) -> None:
        if progress.step % PER_EPOCH == 0:
            shown.append(next(values))

    shown.append(next(values))
    arguments = {"steps": 9 * PER_EPOCH, "on_step": on_step, "patience": 3}
    torch.manual_seed(0)
    result = pdas.search(
        Supernet(Net()), made_up, data(), preset="paper", batch_size=8,
        fabric=Fabric(accelerator="cpu", devices=1), **arguments,
    )  # fmt: skip
    assert [each.measures["theta_loss"] for each in result.history][4:] == [1.0, 1.5, 1.5, 1.5]
    assert result.stopped == "patience"


def test_a_decided_search_stops() -> None:
    whole = searched()
    threshold = decided(whole)[3]
    result = searched(stop_when_decided=threshold)
    assert result.stopped == "stop_when_decided"
    assert result.history[-1].step <= 4 * PER_EPOCH
    assert decided(result)[-1] >= threshold > max([0.0, *decided(result)[:-1]])


def test_a_method_without_theta_is_never_decided() -> None:
    class Uniform:
        smallest_tell = 1

        def __init__(self, inner: pdas.PDAS) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def measures(self) -> dict[str, float]:
            return {}

    method = Uniform(pdas.PDAS(Supernet(Net()).space))
    with pytest.raises(
        SettingError, match=r"stop_when_decided: found 0\.9, while Sampled measures"
    ):
        searched(method=method, stop_when_decided=0.9)


def test_minutes_end_the_steps(clock: Callable[[float], None]) -> None:
    clock(1)  # a look after every step
    result = searched(max_minutes=7)
    assert result.stopped == "max_minutes" and result.history[-1].step == 7


def test_minutes_add_up_over_resumes(tmp_path: Path, clock: Callable[[float], None]) -> None:
    clock(0.01)
    first = searched(max_minutes=1, checkpoints=Checkpoints(tmp_path), **interrupt_at(6))
    assert first.stopped == "interrupted" and first.history[-1].step == 6
    clock(1)
    # The setting may change. What was worked until then counts.
    result = searched(max_minutes=3, checkpoints=tmp_path)  # the directory alone
    assert result.stopped == "max_minutes" and result.history[-1].step in (8, 9)
    again = searched(max_minutes=100, checkpoints=Checkpoints(tmp_path))
    assert (again.stopped, again.history) == (result.stopped, result.history)  # it is finished


def test_finalists_have_their_share_of_the_minutes_and_of_what_was_done(
    clock: Callable[[float], None],
) -> None:
    clock(1)
    whole = searched(**LONG)
    planned = whole.history[-1].step
    result = searched(max_minutes=planned, **LONG)
    assert result.stopped == "max_minutes"
    steps = result.history[-1].step
    assert steps == pytest.approx(planned / 2, abs=1)  # the share of the steps is one half
    trained = [each.steps for each in result.finalists]
    expected = [each.steps for each in whole.finalists]
    assert trained[0] == pytest.approx(expected[0] * steps / planned, abs=3)


def test_minutes_end_the_comparison(clock: Callable[[float], None]) -> None:
    clock(1)
    planned = searched(**LONG).history[-1].step
    result = searched(max_minutes=3 * planned, on_trial=lambda *about: clock(planned), **LONG)
    assert result.stopped == "max_minutes" and result.history[-1].step == planned
    trained = [each for each in result.finalists if each.loss is not None]
    assert 0 < len(trained) < len(result.finalists)
    assert result.architecture == min(trained, key=lambda each: each.loss or 0.0).architecture


def test_too_little_for_two_finalists_leaves_the_best_of_the_method() -> None:
    result = searched(on_step=at(1), **{**LONG, "finalists_share": 0.2})
    assert result.stopped == "on_step" and not result.finalists
    assert result.architecture == result.method.best()


def test_a_stop_before_theta_learns_is_no_error() -> None:
    result = searched(on_step=at(2), warmup=0.5)
    assert result.stopped == "on_step" and decided(result) == [0.0]


def test_ctrl_c_returns_what_was_found(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGINT)
    result = searched(**interrupt_at(6))
    assert result.stopped == "interrupted" and result.history[-1].step == 6
    assert "ended early (interrupted)" in caplog.text
    assert signal.getsignal(signal.SIGINT) == before


def test_the_second_ctrl_c_acts_at_once() -> None:
    def on_step(progress: pdas.Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        searched(on_step=on_step)


def test_ctrl_c_in_the_last_step_changes_nothing() -> None:
    assert searched(**interrupt_at(STEPS)).stopped is None


def outcome(result: pdas.SearchResult) -> list[Any]:
    steps = [(each.step, each.measures, each.learning_rate) for each in result.history]
    finalists = [each.to_plain() for each in result.finalists]
    return [steps, finalists, result.optimizer.state_dict(), result.architecture, result.stopped]


def test_with_checkpoints_it_continues_bit_for_bit(tmp_path: Path) -> None:
    units = 0

    def count(*about: object) -> None:
        nonlocal units
        units += 1

    expected = outcome(searched(on_step=count, on_trial=count, **LONG))
    for unit in (1, 6, 8, units - 4, units - 1):
        kept = Checkpoints(tmp_path / str(unit))
        first = searched(checkpoints=kept, **interrupt_at(unit), **LONG)
        assert first.stopped == "interrupted"
        assert outcome(searched(checkpoints=kept, **LONG)) == expected


def test_a_stop_is_kept_before_the_finalists(tmp_path: Path) -> None:
    expected = outcome(searched(on_step=at(20), **LONG))
    assert expected[-1] == "on_step" and len(expected[1]) > 1
    kept = Checkpoints(tmp_path)
    interrupt = interrupt_at(3)["on_trial"]
    assert searched(checkpoints=kept, on_step=at(20), on_trial=interrupt, **LONG).stopped
    assert outcome(searched(checkpoints=kept, **LONG)) == expected  # no step is done any more


def test_too_long_a_plan_is_said_early(
    caplog: pytest.LogCaptureFixture, clock: Callable[[float], None]
) -> None:
    clock(1)
    searched(max_minutes=10)
    (line,) = [each.getMessage() for each in caplog.records if "enough" in each.getMessage()]
    assert "search.max_minutes: found 10, enough for about 10 of 30 steps" in line
    assert line.endswith("lower search.steps to plan for less")


def test_a_plan_whose_minutes_were_over_at_the_start_is_not_said(
    caplog: pytest.LogCaptureFixture, clock: Callable[[float], None]
) -> None:
    clock(100)
    searched(max_minutes=1)
    assert not [each for each in caplog.records if "enough" in each.getMessage()]
