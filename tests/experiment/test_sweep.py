"""A sweep: its runs are those of single experiments, and it continues where it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdas.experiment.experiment import Experiment
from pdas.experiment.sweep import sweep
from pdas.runs.run import Run
from pdas.support.errors import RunError, SettingError
from tests.conftest import TINY, changed, without_times
from tests.waiting import wait_for

SHORT = ("search.epochs=1", "retrain.epochs=1")


@pytest.fixture
def here() -> Iterator[Executor]:
    """Runs seeds in this process: fast, and open to monkeypatch."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def swept(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished sweep of seeds 0 and 4; tests only read it or continue it."""
    out = tmp_path_factory.mktemp("sweeps") / "digits"
    with ThreadPoolExecutor(2) as executor:
        done = sweep(changed(experiment, *SHORT), [0, 4], out, executor=executor)
    assert done.failed == {}
    return out


def test_each_run_is_that_of_the_experiment_with_its_seed(
    swept: Path, experiment: Experiment, tmp_path: Path
) -> None:
    alone = replace(changed(experiment, *SHORT), seed=4)
    retrained = alone.retrain(alone.search(tmp_path / "alone"))
    swept_run = swept / "seed-4" / "retrain-4"
    results = [each.read_json("result.json") for each in (Run(swept_run), retrained)]
    in_swept, in_alone = map(without_times, results)
    assert in_swept == in_alone
    content = json.loads((swept / "sweep.json").read_text())
    error = in_alone["test_error"]
    assert content["measures"]["test_error"]["values"]["4"] == error
    assert content["seeds"] == [0, 4] and content["failed"] == {}


def test_what_is_finished_is_not_done_again(
    swept: Path, experiment: Experiment, here: Executor
) -> None:
    before = {file: file.stat().st_mtime_ns for file in swept.rglob("seed-*/**/*")}
    ended: list[int] = []
    sweep(
        changed(experiment, *SHORT),
        [4, 0],
        swept,
        executor=here,
        on_end=lambda seed, error: ended.append(seed),
    )
    assert ended == []
    assert {file: file.stat().st_mtime_ns for file in swept.rglob("seed-*/**/*")} == before


def test_the_comparison_is_the_same_in_whatever_order_seeds_are_asked_for(
    swept: Path, experiment: Experiment, here: Executor
) -> None:
    orders = [[0, 4], [4, 0]]
    one, other = (
        sweep(changed(experiment, *SHORT), each, swept, executor=here).comparison for each in orders
    )
    assert one == other and one["seeds"] == [0, 4]


def test_a_seed_that_fails_does_not_stop_the_others(
    experiment: Experiment, here: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Experiment.search

    def fail_or_search(self: Experiment, out: Path, **settings: Any) -> Run:
        if self.seed == 0:
            raise SettingError("search: found seed 0")
        if self.seed == 1:
            raise ZeroDivisionError("a mistake\nof ours")
        return search(self, out, **settings)

    monkeypatch.setattr(Experiment, "search", fail_or_search)
    done = sweep(changed(experiment, *SHORT), [0, 1, 2], tmp_path / "out", executor=here)
    assert done.failed == {
        0: "search: found seed 0",
        1: "ZeroDivisionError: a mistake of ours",
    }
    content = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert content == done.comparison
    assert content["seeds"] == [2] and set(content["failed"]) == {"0", "1"}
    assert content["measures"]["params"]["std"] is None and content["agreement"]["mean"] is None


def test_if_all_fail_before_they_begin_nothing_is_left(
    experiment: Experiment, here: Executor, tmp_path: Path
) -> None:
    wrong = changed(experiment, "retrain.weight_limit=10")
    done = sweep(wrong, [0, 1], tmp_path / "new" / "out", executor=here)
    assert all("retrain.weight_limit: found 10" in error for error in done.failed.values())
    assert len(done.failed) == 2 and not (tmp_path / "new" / "out").exists()


def test_a_directory_with_another_sweep_is_refused(
    swept: Path, experiment: Experiment, here: Executor
) -> None:
    other = changed(experiment, *SHORT, "search.optimizer.learning_rate=0.1")
    message = f"search.optimizer.learning_rate: found 0.1, expected 0.025 as in {swept / 'seed-0'}"
    with pytest.raises(SettingError, match=message):
        sweep(other, [9], swept, executor=here)
    assert not (swept / "seed-9").exists()


def test_a_directory_with_something_else_is_refused(
    experiment: Experiment, here: Executor, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunError, match="holds something else than a sweep; give another"):
        sweep(experiment, [0], tmp_path, executor=here)
    with pytest.raises(RunError, match=r"--out: .*notes.txt cannot be made"):
        sweep(experiment, [0], tmp_path / "notes.txt", executor=here)


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [2**32], ["3"]])
def test_seeds_that_are_none_are_refused(
    experiment: Experiment, here: Executor, tmp_path: Path, seeds: list[int]
) -> None:
    with pytest.raises(SettingError, match="--seeds: found"):
        sweep(experiment, seeds, tmp_path / "out", executor=here)
    assert not (tmp_path / "out").exists()


def test_a_recipe_alone_is_swept_in_processes(
    swept: Path, experiment: Experiment, tmp_path: Path
) -> None:
    recipe = changed(experiment, *SHORT).recipe
    done = sweep(recipe, [4], tmp_path / "out")
    expected = json.loads((swept / "sweep.json").read_text())["measures"]["params"]["values"]["4"]
    assert done.failed == {} and done.comparison["measures"]["params"]["mean"] == expected


def test_dask_runs_it(swept: Path, experiment: Experiment, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        done = sweep(changed(experiment, *SHORT), [4, 0], tmp_path / "out", executor=executor)
    expected = json.loads((swept / "sweep.json").read_text())
    assert done.failed == {}
    assert done.comparison["agreement"] == expected["agreement"]
    assert done.comparison["measures"]["params"] == expected["measures"]["params"]


@pytest.mark.skipif(os.name == "nt", reason="ends by signals")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_an_interrupted_sweep_ends_as_one_that_was_not(
    experiment: Experiment, here: Executor, tmp_path: Path, number: int
) -> None:
    epochs = ("search.epochs=15", "retrain.epochs=1")
    sets = [word for change in (*TINY, *epochs) for word in ("--set", change)]
    command = [sys.executable, "-m", "pdas.cli", "sweep", "digits", "--seeds", "3,", *sets]
    path = os.pathsep.join([str(Path(__file__).parents[2] / "src"), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def start(out: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, "--out", out],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    stopped = start("out")
    wait_for((tmp_path / "out" / "seed-3" / "metrics.csv").exists)
    os.killpg(stopped.pid, number)  # as a terminal does
    _, err = stopped.communicate()
    assert stopped.returncode == 130
    assert err.endswith("begin\npdas: interrupted; run the same command again to continue\n")
    run = tmp_path / "out" / "seed-3"
    assert list((run / "checkpoint").glob("*.ckpt")) and not (run / "architecture.json").exists()

    going_on = start("out")
    going_on.communicate()
    assert going_on.returncode == 0
    sweep(changed(experiment, *epochs), [3], tmp_path / "whole", executor=here)
    one, other = (tmp_path / out / "seed-3" for out in ("out", "whole"))
    for name in ("architecture.json", "theta.npz", "retrain-3/weights.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_a_seed_has_one_device(experiment: Experiment, tmp_path: Path) -> None:
    several = changed(experiment, "device.devices=2")
    with pytest.raises(SettingError, match=r"device\.devices: found 2 for each seed of a sweep"):
        sweep(several, [0], tmp_path / "out")
    assert not (tmp_path / "out").exists()
