"""A training that is stopped after any step ends as if it had not been; how it is stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.distributed.ranks import Ranks
from pdas.nn import Choice, Supernet
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.frozen import Frozen
from pdas.resume.resumable import Resumable
from pdas.resume.signals import StoppedError, stop_on_signals
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError, RunError
from pdas.training.loop import Progress
from pdas.training.retrain import TrainingModule, retrain
from pdas.training.settings import TrainingSettings

paper_search = partial(pdas.search, preset="paper")

STEPS = 9  # of 4 in an epoch


class Block(nn.Module):
    """With everything that a state may be forgotten of: momenta, dropout, batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.op = Choice("op", {"wide": nn.Linear(4, 4), "skip": nn.Identity()})
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.3)
        self.end = Choice("end", {"a": nn.Linear(4, 2), "b": nn.Linear(4, 2)})

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.end(self.drop(self.norm(self.op(x))))
        return out


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    x, y = batch
    return F.cross_entropy(model(x + 0.1 * torch.randn_like(x)), y)


def data() -> TensorDataset:
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x.sum(1) > 0).long())


def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def nothing(progress: object) -> None:
    pass


class Heavy:
    """A cost of 1 for each variable whose first category is taken."""

    space = Supernet(Block()).space

    def __call__(self, architecture: Architecture) -> float:
        return float((architecture.indices == 0).sum())


def searched(
    checkpoints: Checkpoints | None,
    on_step: Callable[[Progress], None] = nothing,
    objective: Any = loss,
) -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    net = Supernet(Block())
    if checkpoints is not None and checkpoints.paths():
        torch.manual_seed(77)  # what is restored does not come from the seed
    result = paper_search(
        net,
        objective,
        data(),
        checkpoints=checkpoints,
        on_step=on_step,
        fabric=fabric(),
        limit=pdas.Limit(Heavy(), 1),
        penalty=pdas.Penalty(Heavy(), 0.5, 0.1),
        steps=STEPS,
        batch_size=8,
        samples=3,
    )
    return net, result


def stop_at(step: int) -> Callable[[Any], None]:
    def on_step(progress: Any) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return on_step


def outcome(net: nn.Module, result: Any) -> list[Any]:
    rows = [
        {name: x for name, x in vars(progress).items() if name != "seconds"}
        for progress in result.history
    ]
    weights = {name: weight.tolist() for name, weight in net.state_dict().items()}
    theta = np.array(result.theta).tolist()
    return [weights, rows, theta, result.architecture.to_dict(), result.optimizer.state_dict()]


def test_a_search_that_is_stopped_after_any_step_ends_the_same(tmp_path: Path) -> None:
    expected = outcome(*searched(None))
    assert expected == outcome(*searched(Checkpoints(tmp_path / "whole", seconds=0)))
    for step in range(1, STEPS):
        checkpoints = Checkpoints(tmp_path / str(step))
        with pytest.raises(StoppedError, match=f"after step {step}$"):
            searched(checkpoints, stop_at(step))
        assert checkpoints.paths()[-1].name == f"step-{step:09d}.ckpt"
        assert outcome(*searched(checkpoints)) == expected


SHORT = {
    "steps": 90,
    "batch_size": 8,
    "optimizer": {"name": "adamw", "learning_rate": 0.03},
    "warmup": 0.3,
    "theta_samples": 4,
    "theta_mode": "eval",
    "finalists": 3,
    "finalists_share": 0.5,
}


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def fail() -> None:
    raise ZeroDivisionError


def with_finalists(
    checkpoints: Checkpoints | None, stop: int = 0, end: Callable[[], None] = ask_to_stop
) -> list[Any]:
    """A search by the settings `SHORT`, which may be ended in its unit `stop`.

    A unit is a step, the choice of the finalists or the training of one.
    """
    torch.manual_seed(0)
    net = Supernet(Block())
    if checkpoints is not None and checkpoints.paths():
        torch.manual_seed(77)
    unit = 0

    def count(*progress: Any) -> None:
        nonlocal unit
        unit += 1
        if unit == stop:
            end()

    result = pdas.search(
        net, loss, data(), checkpoints=checkpoints, fabric=fabric(),
        limit=pdas.Limit(Heavy(), 1), on_step=count, on_trial=count, **SHORT,
    )  # fmt: skip
    assert len(result.finalists) == 3  # all within the limit
    return [*outcome(net, result), unit, [finalist.to_plain() for finalist in result.finalists]]


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
def test_a_search_with_finalists_ends_the_same_wherever_it_is_stopped(
    tmp_path: Path, every: int
) -> None:
    *expected, units, finalists = with_finalists(None)
    assert len({f["steps"] for f in finalists}) == 2  # two rounds
    for stop in {*range(1, units, every), *range(units - 6, units)}:
        checkpoints = Checkpoints(tmp_path / str(stop))
        with pytest.raises(StoppedError, match=f"after step {stop}$"):
            with_finalists(checkpoints, stop)
        *found, rest, same = with_finalists(checkpoints)
        assert [found, same] == [expected, finalists] and rest == units - stop
    finished = Checkpoints(tmp_path / "whole")
    with_finalists(finished)
    *found, rest, same = with_finalists(finished)
    assert [found, same] == [expected, finalists] and rest == 0


def test_a_search_that_is_stopped_again_and_again_ends_the_same(tmp_path: Path) -> None:
    *expected, units, finalists = with_finalists(None)
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(StoppedError):
        with_finalists(checkpoints, units - 6)
    for unit in range(units - 5, units):
        with pytest.raises(StoppedError, match=f"after step {unit}$"):
            with_finalists(checkpoints, 1)
    *found, rest, same = with_finalists(checkpoints)
    assert [found, same] == [expected, finalists] and rest == 1


@pytest.mark.parametrize("due", [True, False])
def test_what_failed_after_the_last_checkpoint_is_done_again(tmp_path: Path, due: bool) -> None:
    *expected, units, finalists = with_finalists(None)
    for unit in (units // 2, units - 4, units):
        checkpoints = Checkpoints(tmp_path / str(unit))
        checkpoints.due = lambda: due  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError):
            with_finalists(checkpoints, unit, fail)
        *found, rest, same = with_finalists(checkpoints)
        assert [found, same] == [expected, finalists]
        assert rest == (units - unit + 1 if due else units - 1)


class Student(TrainingModule[nn.Module]):
    def forward(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"loss": loss(self.network, batch)}

    def before_epoch(self, fraction: float) -> None:
        self.network[1].p = 0.1 + fraction / 2  # type: ignore[index, union-attr]


def retrained(
    checkpoints: Checkpoints | None, on_step: Callable[[Progress], None] = nothing
) -> list[Any]:
    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.BatchNorm1d(8), nn.Linear(8, 2))
    batches = torch.utils.data.DataLoader(data(), 16, shuffle=True)
    settings = TrainingSettings(epochs=None, steps=STEPS)
    histories: list[Any] = []
    retrain(
        Student(network),
        batches,
        settings,
        fabric(),
        checkpoints=checkpoints,
        on_step=on_step,
        on_epoch=lambda history: histories.append(list(history)),
    )
    rows = [(p.step, p.epoch, p.measures, p.learning_rate) for p in histories[-1]]
    return [rows, {name: weight.tolist() for name, weight in network.state_dict().items()}]


def test_a_retraining_that_is_stopped_after_any_step_ends_the_same(tmp_path: Path) -> None:
    expected = retrained(None)
    for step in range(1, STEPS):
        checkpoints = Checkpoints(tmp_path / str(step))
        with pytest.raises(StoppedError):
            retrained(checkpoints, stop_at(step))
        assert retrained(checkpoints) == expected


def test_a_stop_in_the_last_step_stops_what_would_follow(tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match=f"after step {STEPS}$"):
        retrained(Checkpoints(tmp_path), stop_at(STEPS))
    assert retrained(Checkpoints(tmp_path)) == retrained(None)


def test_without_checkpoints_sigterm_is_what_it_was() -> None:
    class TerminatedError(Exception):
        pass

    def terminated(number: int, frame: object) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        with pytest.raises(TerminatedError):
            searched(None, stop_at(2))
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request(number: int) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(StoppedError), stop_on_signals() as request:
        assert not request.is_set
        os.kill(os.getpid(), number)
        assert request.is_set
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
        raise StoppedError(1)
    with stop_on_signals() as request:
        assert not request.is_set
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_request_that_comes_too_late_acts_at_the_end() -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), stop_on_signals():
        os.kill(os.getpid(), signal.SIGINT)
        done = True
    assert done


def test_the_second_ctrl_c_acts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), stop_on_signals() as request:
        os.kill(os.getpid(), signal.SIGINT)
        assert request.is_set
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not reached")


def test_in_another_thread_signals_are_left_alone() -> None:
    found: list[object] = []

    def work() -> None:
        with stop_on_signals() as request:
            found.append((request.is_set, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, signal.getsignal(signal.SIGTERM))]


def test_after_divergence_the_checkpoint_from_before_is_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, seconds=0)
    checkpoints.due = lambda: True  # type: ignore[method-assign]
    calls = iter(range(100))  # 3 for the weights and 3 for theta, each step

    def exploding(model: Any, batch: Any) -> Tensor:
        return loss(model, batch) * (float("nan") if next(calls) >= 3 * 2 * 3 else 1)

    with pytest.raises(NonFiniteLossError, match="not finite for any architecture of step 4"):
        searched(checkpoints, objective=exploding)
    assert [path.name[5:14] for path in checkpoints.paths()] == ["000000002", "000000003"]
    state = checkpoints.load()
    assert state is not None
    assert all(torch.isfinite(weight).all() for weight in state["components"]["net"].values())


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"step": 1},
        {"step": 1, "components": {}, "random": {}},
        {"step": 1, "components": [], "random": None},
        {"step": None, "components": {"net": {}}, "random": {}},
        {"step": 1, "components": {"net": {"weight": torch.zeros(1)}}, "random": {}},
    ],
)
def test_what_does_not_fit_the_training_is_one_line(tmp_path: Path, state: dict[str, Any]) -> None:
    Checkpoints(tmp_path).save(1, state)
    one = Ranks(Fabric(accelerator="cpu", devices=1))
    frozen = Frozen("retrain", TrainingSettings(epochs=1))
    parts = {"net": nn.Linear(2, 2)}
    training = Resumable(Checkpoints(tmp_path), frozen, parts, one, must_match={})
    with pytest.raises(RunError, match=r"^checkpoint: what is in \S+ does not fit .* anew$"):
        training.restore()


def test_a_checkpoint_of_a_machine_with_more_devices_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rank of device 5 of 8 goes on as that of device 0, which is all there is."""
    states: dict[int, Tensor] = {}
    gpu = SimpleNamespace(
        get_rng_state=lambda device: states[device.index],
        set_rng_state=lambda state, device: states.update({device.index: state}),
    )
    monkeypatch.setattr(torch, "get_device_module", lambda device: gpu)

    def training(device: int) -> Resumable:
        ranks = Ranks(fabric())
        ranks.device = torch.device("cuda", device)
        frozen = Frozen("retrain", TrainingSettings(epochs=1))
        parts = {"net": nn.Linear(2, 2)}
        return Resumable(Checkpoints(tmp_path), frozen, parts, ranks, must_match={})

    states |= {index: torch.Generator().manual_seed(index).get_state() for index in range(8)}
    fifth, before = states[5], training(5)
    with before.stoppable() as stop:
        before.after(1, is_kept=True, stop=stop)
    states.clear()
    states[0] = torch.Generator().manual_seed(9).get_state()
    assert training(0).restore() == 1
    assert list(states) == [0] and torch.equal(states[0], fifth)


def test_what_goes_wrong_after_a_resume_has_its_step_and_a_checkpoint_from_before(
    tmp_path: Path,
) -> None:
    def diverges(model: Any, batch: Any) -> Tensor:
        return loss(model, batch) * (torch.nan if resumes else 1)

    resumes: list[bool] = []
    with pytest.raises(StoppedError):
        searched(Checkpoints(tmp_path), stop_at(3), objective=diverges)
    resumes.append(True)
    with pytest.raises(NonFiniteLossError, match="of step 4, of "):
        searched(Checkpoints(tmp_path), objective=diverges)
    assert Checkpoints(tmp_path).paths()[-1].name == "step-000000003.ckpt"


def test_the_first_step_is_kept_at_once(tmp_path: Path) -> None:
    def fail(progress: Any) -> None:
        if progress.step == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        searched(Checkpoints(tmp_path), fail)
    assert [path.name for path in Checkpoints(tmp_path).paths()] == ["step-000000001.ckpt"]


def test_what_is_finished_is_not_done_again(tmp_path: Path) -> None:
    expected = outcome(*searched(Checkpoints(tmp_path)))
    steps: list[Progress] = []
    assert outcome(*searched(Checkpoints(tmp_path), steps.append)) == expected
    assert not steps
