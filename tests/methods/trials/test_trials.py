"""Networks that are trained one by one in a search."""

from __future__ import annotations

import hashlib
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import pdas
from pdas.cost import ProductCost
from pdas.distributed.processes import Processes
from pdas.methods.components import MethodSettings
from pdas.methods.trials.job import trial_of
from pdas.methods.trials.method import Trials
from pdas.methods.trials.schedule import TrialSchedule
from pdas.methods.trials.trial import Trial
from pdas.methods.uniform import Uniform
from pdas.resume.checkpoint import Checkpoints
from pdas.space import Architecture
from pdas.support.errors import CheckpointError, NonFiniteLossError, RunError
from pdas.training.loop import Progress
from tests.methods.trials.trial_searches import (
    SPACE,
    Drawn,
    Ending,
    Family,
    Listed,
    Net,
    Noted,
    data,
    derive,
    dividing_by_zero,
    loss,
    outcome,
    searched,
)
from tests.waiting import wait_for

EIGHT = TrialSchedule(trials=8)


def halves() -> tuple[DataLoader[Any], DataLoader[Any]]:
    parts = torch.utils.data.random_split(data(), [0.5, 0.5], torch.Generator().manual_seed(1))
    first, second = (
        DataLoader(part, 10, shuffle=True, generator=torch.Generator()) for part in parts
    )
    return first, second


def by_hand(architecture: Architecture, seed: int, steps: int) -> float:
    """The error of the network of an architecture, trained with nothing of the search."""
    weight_batches, theta_batches = halves()
    text = f"{seed}:{architecture.indices.tolist()}"
    own = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    torch.manual_seed(own)
    network = derive(architecture)
    torch.manual_seed(own)
    weight_batches.generator.manual_seed(own)  # type: ignore[union-attr]
    sgd = torch.optim.SGD(network.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    taken = 0
    while taken < steps:
        for batch in weight_batches:
            if taken == steps:
                break
            sgd.param_groups[0]["lr"] = 0.025 * (1 + math.cos(math.pi * taken / steps)) / 2
            sgd.zero_grad()
            loss(network, batch)["loss"].backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5)
            sgd.step()
            taken += 1
    theta_batches.generator.manual_seed(seed)  # type: ignore[union-attr]
    network.eval()
    with torch.no_grad():
        accuracies = [float(loss(network, batch)["accuracy"]) for batch in theta_batches]
    return 1 - sum(accuracies) / len(accuracies)


def test_each_is_the_plain_training_of_its_network_to_the_last_bit() -> None:
    result = searched(Drawn(), TrialSchedule(trials=6), given={"data": halves()})
    steps = result.method._plan.length
    assert steps > 4
    told = result.optimizer.told
    assert len({error for _, error in told}) > 1
    for indices, error in told:
        assert error == by_hand(SPACE.architecture(indices), 5, steps)


def test_a_loss_without_accuracy_is_told_itself() -> None:
    result = searched(Drawn(), TrialSchedule(trials=3), given={"loss": only_loss})
    first, *_ = result.optimizer.told
    trial = result.method._context.trial
    made = SPACE.architecture(first[0])
    own = trial_of(trial, made)
    _, expected = own(own.network(derive, made), None, *[result.method._plan.length] * 2)
    assert first[1] == expected


def only_loss(model: Any, batch: Sequence[Any]) -> Any:
    return loss(model, batch)["loss"]


INHERITING = TrialSchedule(trials=8, inherit=True)


@pytest.mark.parametrize(
    ("executor", "schedule"),
    [
        (lambda: ThreadPoolExecutor(3), EIGHT),
        (lambda: ThreadPoolExecutor(3), INHERITING),
        (lambda: Processes(1, kept=True), INHERITING),
        pytest.param(
            lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
            EIGHT,
            marks=pytest.mark.long,
        ),
    ],
)
def test_an_executor_changes_nothing(
    executor: Callable[[], Executor], schedule: TrialSchedule
) -> None:
    made = Drawn if not schedule.inherit else lambda: Family(*ORDER)
    expected = outcome(searched(made(), schedule))
    with executor() as pool:
        assert outcome(searched(made(), schedule, executor=pool)) == expected


ORDER = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [2, 1, 0], [2, 1, 1], [3, 1, 1], [3, 0, 1], [3, 0, 2]]


@pytest.mark.long
def test_dask_runs_it() -> None:
    distributed = pytest.importorskip("distributed")
    expected = outcome(searched(Drawn(), EIGHT))
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = outcome(searched(Drawn(), EIGHT, executor=client.get_executor()))
    assert found == expected


@pytest.mark.long
def test_ray_runs_it() -> None:
    ray = pytest.importorskip("ray")

    class Ray(Executor):  # as in docs/sweeps.md
        def submit(self, call: Any, /, *args: Any, **named: Any) -> Any:
            return ray.remote(num_cpus=1)(lambda: call(*args, **named)).remote().future()

    expected = outcome(searched(Drawn(), EIGHT))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert outcome(searched(Drawn(), EIGHT, executor=Ray())) == expected
        with pytest.raises(RunError, match="a process that trained a network ended"):
            searched(Drawn(), EIGHT, executor=Ray(), given={"loss": Ending(os.getpid())})
        with pytest.raises(ZeroDivisionError) as raised:
            searched(Drawn(), EIGHT, executor=Ray(), given={"loss": dividing_by_zero})
        assert str(raised.value) == "division by zero"
    finally:
        ray.shutdown()


def test_all_of_a_round_are_told_together() -> None:
    class Together(Drawn):
        sizes: list[int] = []  # noqa: RUF012

        def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
            self.sizes.append(len(architectures))
            super().tell(architectures, losses, active)

    result = searched(Together(), EIGHT)
    assert Together.sizes == [3, 3, 2]
    assert [each.epoch for each in result.history] == [1, 2, 3]
    assert [each.step for each in result.history] == [3, 6, 8]


class Everlasting(Family):
    """A family of which anybody can still be a parent."""

    def parents(self) -> list[Architecture]:
        return [*map(SPACE.architecture, self._order)]


@pytest.mark.parametrize(
    ("optimizer", "inherits", "times"),
    [(Listed, False, 1), (Everlasting, True, 1), (Family, True, 2)],
)
def test_an_architecture_that_comes_back_is_not_trained_again(
    tmp_path: Path, optimizer: Callable[..., Drawn], inherits: bool, times: int
) -> None:
    """But for one whose weights a child may need, and that are not there any more."""
    made = optimizer([0, 0, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0])
    noted = Noted(tmp_path / "lines")
    schedule = TrialSchedule(trials=4, inherit=inherits)
    result = searched(made, schedule, samples=2, given={"loss": noted})
    told = [error for _, error in result.optimizer.told]
    assert told[2:] == told[:2]
    assert trained(noted) == {2: times, 3: 1}
    assert result.method.measures()["trials"] == times + 1


def trained(noted: Noted, batches: int = 4) -> dict[int, int]:
    """How often the network of each width was trained."""
    lines = noted.file.read_text().split()
    return {int(width): lines.count(width) // batches for width in dict.fromkeys(lines)}


def test_a_network_begins_with_the_weights_of_its_parent() -> None:
    """By hand: the second training begins where the first has ended."""
    order = [[2, 1, 0], [2, 1, 1], [2, 0, 1]]
    result = searched(Family(*order), TrialSchedule(trials=3, inherit=True), samples=1)
    method = result.method
    parent, told = None, []
    for indices in order:
        architecture = SPACE.architecture(indices)
        trial = trial_of(method._context.trial, architecture)
        network = trial.network(derive, architecture)
        for name, weight in network.state_dict().items():
            if parent is not None:
                weight.copy_(parent.state_dict()[name])
        steps = method._plan.length
        told.append(1 - trial.measured(network, None, steps, steps)[1]["accuracy"])
        parent = network
    assert [error for _, error in result.optimizer.told] == told


def test_weights_are_kept_as_long_as_they_can_be_a_parents() -> None:
    kept: list[int] = []
    of = Trials.state_dict
    optimizer = Family(*ORDER)
    method = Trials(optimizer, None, INHERITING)
    pdas.search(
        Net(), loss, data(), method=method, preset="paper", epochs=6, batch_size=10, samples=2,
        on_step=lambda progress: kept.append(len(of(method)["weights"]) + len(of(method)["new"])),
    )  # fmt: skip
    assert kept == [1, 1, 2, 1, 2, 1, 2, 1]
    plain = searched(Drawn(), EIGHT).method.state_dict()
    assert plain["weights"] == []


def test_the_first_trials_may_be_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    measured = Trial.measured

    def watched(self: Trial, network: Any, state: Any, until: int, *more: int) -> Any:
        lengths.append(until)
        return measured(self, network, state, until, *more)

    monkeypatch.setattr(Trial, "measured", watched)
    searched(Listed(*ORDER), TrialSchedule(trials=8, first=3, longer=4))
    assert lengths == [4 * lengths[-1]] * 3 + [lengths[-1]] * 5


@pytest.mark.parametrize("step", [1, 3, 4, 7])
def test_it_goes_on_after_any_trial(tmp_path: Path, step: int) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == step:
            signal.raise_signal(signal.SIGINT)

    def search(optimizer: Drawn, **options: Any) -> Any:
        noted = Noted(tmp_path / "lines")
        return searched(optimizer, INHERITING, given={"loss": noted}, **options)

    expected = outcome(search(Family(*ORDER)))
    (tmp_path / "lines").unlink()
    kept = {"checkpoints": Checkpoints(tmp_path / "kept")}
    stopped = search(Family(*ORDER), on_step=stop, **kept)
    assert (stopped.stopped, stopped.history[-1].step) == ("interrupted", step)
    assert outcome(search(Family(*ORDER), **kept)) == expected
    assert trained(Noted(tmp_path / "lines")) == {2: 1, 3: 2, 5: 2, 8: 3}


def test_it_goes_on_with_the_same_schedule_only(tmp_path: Path) -> None:
    searched(Drawn(), EIGHT, checkpoints=tmp_path, on_step=lambda progress: True)
    with pytest.raises(CheckpointError, match=r"method\.trials: found 9, expected 8"):
        searched(Drawn(), TrialSchedule(trials=9), checkpoints=tmp_path)


KILLED = """
import sys
from pathlib import Path
from tests.methods.trials.trial_searches import Drawn, Noted, searched
from pdas.distributed.processes import Processes
from pdas.methods.trials.schedule import TrialSchedule
from pdas.methods.trials.trial import Trial

class Slow(Noted):
    def __call__(self, model, batch):
        import time
        time.sleep(0.02)
        return super().__call__(model, batch)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    searched(Drawn(), TrialSchedule(trials=8), checkpoints=folder / "kept",
             given={"loss": Slow(folder / "lines")})
"""


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="ends by signals")
def test_what_is_done_is_never_done_again_after_a_kill(tmp_path: Path) -> None:
    script, lines = tmp_path / "script.py", tmp_path / "lines"
    script.write_text(KILLED)
    path = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    program = subprocess.Popen(
        [sys.executable, script, tmp_path], env=os.environ | {"PYTHONPATH": path}
    )
    wait_for(lambda: lines.exists() and len(lines.read_text().split()) > 17)  # four and a half
    program.kill()
    program.wait()
    done = len(lines.read_text().split()) // 4
    expected = outcome(searched(Drawn(), EIGHT))
    subprocess.run(
        [sys.executable, script, tmp_path], env=os.environ | {"PYTHONPATH": path}, check=True
    )
    again = len(lines.read_text().split()) // 4
    distinct = len({tuple(indices) for indices, _ in expected[2]})
    assert 4 <= done < distinct and again in (distinct, distinct + 1)  # that which was under way


def test_the_best_that_were_trained_are_finalists_and_are_trained_longer() -> None:
    result = searched(Drawn(), EIGHT, epochs=20, finalists=3, finalists_share=0.3)
    ranked = sorted(result.optimizer.told, key=lambda each: each[1])
    best = [*dict.fromkeys(tuple(indices) for indices, _ in ranked)][:3]
    found = result.method.finalists(3)
    assert [tuple(each.indices.tolist()) for each in found] == best
    assert {each.architecture for each in result.finalists} == set(found)
    assert max(each.steps for each in result.finalists) > result.method._plan.length
    assert result.architecture == result.finalists[0].architecture
    assert result.method.best() == found[0]


def test_an_optimizer_may_name_the_finalists() -> None:
    class Named(Drawn):
        def finalists(self, n: int) -> list[Architecture]:
            return SPACE.architectures([[3, 1, i] for i in range(n)])

    result = searched(Named(), EIGHT, finalists=2)
    assert [each.architecture["drop"] for each in result.finalists] == [0.0, 0.2]
    assert result.architecture == result.method.best()


@pytest.mark.parametrize("kind", [Drawn, Uniform])  # with and without finalists of its own
def test_finalists_are_different_networks(kind: Any) -> None:
    class Shallow(Net):
        def active(self, architecture: Architecture) -> Any:
            return np.array([True, False, False])

        def derive(self, architecture: Architecture) -> nn.Module:
            return derive(architecture.replaced(1, 0).replaced(2, 0))

    plan = TrialSchedule(trials=24)
    result = searched(
        kind(SPACE), plan, given={"net": Shallow()}, epochs=20, finalists=3, finalists_share=0.3
    )
    finalists = result.method.finalists(3)
    assert len({each["width"] for each in finalists}) == len(finalists) == 3
    assert finalists[0] == result.method.best()
    assert len(result.method.finalists(9)) == 4


def test_a_penalty_is_told_and_counts_among_the_finalists() -> None:
    widths = {"width": {2: 1.0, 3: 2.0, 5: 3.0, 8: 4.0}}
    cost = ProductCost.from_table(SPACE, widths)
    plain = searched(Drawn(), EIGHT).optimizer.told
    settings = pdas.SearchSettings(epochs=6, samples=3, batch_size=10, method=Named3())
    penalty = pdas.Penalty(cost, target=1.0, weight=10.0)
    result = pdas.search(
        Net(), loss, data(), settings=settings, penalty=penalty, seed=5, progress=False
    )
    told = [(indices, error - penalty(SPACE.architecture(indices))) for indices, error in plain]
    assert [indices for indices, _ in result.optimizer.told] == [indices for indices, _ in told]
    assert result.architecture["width"] == min(SPACE.architecture(i)["width"] for i, _ in plain)


class Named3(MethodSettings):
    """Trials of uniform draws, by settings, so that penalties come around them."""

    name: str = "drawn"

    def build(self, request: Any) -> Any:
        return Drawn(request.space)

    def driver(self, optimizer: Any, learner: Any) -> Trials:
        return Trials(optimizer, learner, EIGHT)


def test_a_network_that_diverges_is_dropped_and_the_others_are_not(tmp_path: Path) -> None:
    def some(model: Any, batch: Sequence[Any]) -> Any:
        measures = loss(model, batch)
        return measures | {"loss": measures["loss"] * (math.nan if wide(model) else 1.0)}

    result = searched(Listed(*ORDER), EIGHT, samples=1, given={"loss": some})
    told = result.optimizer.told
    assert 0 < len(told) < 8 and all(indices[0] < 3 for indices, _ in told)
    assert result.method.measures()["trials"] > len(told)
    result = searched(Listed(*ORDER), EIGHT, given={"loss": some})
    errors = {indices[0] == 3: error for indices, error in result.optimizer.told}
    assert errors[True] == math.inf and errors[False] < 1


def wide(model: Any) -> bool:
    return bool(model.enter.out_features == 8)


def test_no_network_that_is_finite_ends_the_search() -> None:
    def broken(model: Any, batch: Sequence[Any]) -> Any:
        return only_loss(model, batch) * math.nan

    with pytest.raises(NonFiniteLossError, match="lower search"):
        searched(Drawn(), EIGHT, given={"loss": broken})


@pytest.mark.long
def test_a_worker_that_dies_is_one_line_and_the_next_search_goes_on(tmp_path: Path) -> None:
    kept, noted = tmp_path / "kept", tmp_path / "lines"
    with Processes(1, kept=True) as pool, pytest.raises(RunError) as failed:
        searched(
            Drawn(), EIGHT, executor=pool, checkpoints=kept, given={"loss": Dying(noted, after=10)}
        )
    assert "ended without a word" in str(failed.value) and "\n" not in str(failed.value)
    done = trained(Noted(noted))
    expected = outcome(searched(Drawn(), EIGHT))
    assert sum(done.values()) == 2
    noted.unlink()
    assert (
        outcome(searched(Drawn(), EIGHT, checkpoints=kept, given={"loss": Dying(noted, 99)}))
        == expected
    )
    distinct = len({tuple(indices) for indices, _ in expected[2]})
    assert sum(trained(Noted(noted)).values()) == distinct - 2


class Dying(Noted):
    """A loss whose process dies after some batches of D_theta."""

    def __init__(self, file: Path, after: int) -> None:
        super().__init__(file)
        self.after = after

    def __call__(self, model: Any, batch: Sequence[Any]) -> Any:
        measures = super().__call__(model, batch)
        if self.file.exists() and len(self.file.read_text().split()) >= self.after:
            os._exit(3)
        return measures


def test_it_ends_early_by_its_rules() -> None:
    result = searched(Drawn(), EIGHT, on_step=lambda progress: progress.step == 4)
    assert result.stopped == "on_step" and result.history[-1].step == 4
    assert result.architecture in map(
        SPACE.architecture, [i for i, _ in result.optimizer.told]
    ) or (result.architecture in result.method._outcomes)
    constant = searched(Listed(*[[0, 0, 0]] * 8), EIGHT, patience=1)
    assert constant.stopped == "patience" and constant.history[-1].step == 6
    assert searched(Drawn(), EIGHT, max_minutes=1e-9).history[-1].step == 1


def test_what_waits_is_cancelled_when_the_search_is_left() -> None:
    class Counting(ThreadPoolExecutor):
        futures: list[Any] = []  # noqa: RUF012

        def submit(self, *arguments: Any, **named: Any) -> Any:
            self.futures.append(super().submit(*arguments, **named))
            return self.futures[-1]

    with Counting(1) as pool:
        searched(Drawn(), EIGHT, samples=8, executor=pool, on_step=lambda progress: True)
        assert sum(future.cancelled() for future in pool.futures) >= 2
