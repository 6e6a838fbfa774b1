"""A comparison: its runs are those of single experiments, and it continues where it ended."""

from __future__ import annotations

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

from pdas.comparing.rows import row
from pdas.comparing.run import run_comparison, write_results
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.support.errors import PdasError, RunError, SettingError
from tests.conftest import TINY, changed, without_times
from tests.waiting import wait_for

SHORT = ("search.epochs=1", "retrain.epochs=1")
METHODS = "random,pdas-paper"


@pytest.fixture(scope="module")
def here() -> Iterator[Executor]:
    """Does the runs in this process."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def short(experiment: Experiment) -> Experiment:
    return changed(experiment, *SHORT)


@pytest.fixture(scope="module")
def compared(short: Experiment, here: Executor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished comparison; tests only read it or continue it."""
    out = tmp_path_factory.mktemp("comparisons") / "digits"
    assert run_comparison(short, METHODS, [0, 1], out, executor=here).failed == {}
    return out


def test_each_run_is_that_of_the_experiment_with_its_seed(
    compared: Path, short: Experiment, tmp_path: Path
) -> None:
    recipe = row("pdas-paper", short.recipe, "equal").recipe
    alone = replace(short, recipe=recipe, seed=1)
    retrained = alone.retrain(alone.search(tmp_path / "alone"))
    inside = Run(compared / "pdas-paper" / "seed-1" / "retrain-1")
    one, other = (without_times(each.read_json("result.json")) for each in (inside, retrained))
    assert one == other


def test_what_is_finished_is_not_done_again_and_rows_and_seeds_are_added(
    compared: Path, short: Experiment, here: Executor
) -> None:
    before = {file: file.stat().st_mtime_ns for file in compared.rglob("seed-*/**/*")}
    ended: list[Any] = []

    def run(methods: str, seeds: list[int]) -> Any:
        ended.clear()
        return run_comparison(
            short, methods, seeds, compared, executor=here, on_end=lambda run, e: ended.append(run)
        )

    run(METHODS, [0, 1])
    assert ended == []
    done = run("random", [0, 1, 2])
    assert ended == [("random", 2)]
    assert {each.name: sorted(each.values) for each in done.rows} == {
        "random": [0, 1, 2],
        "pdas-paper": [0, 1],
    }
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    assert write_results(compared) == done


def test_passes_are_those_of_the_recipe(compared: Path) -> None:
    rows = write_results(compared).record.rows
    # One pass over 160 images in batches of 32, of two architectures that are trained and scored.
    assert rows["pdas-paper"].passes == pytest.approx(5 * 2 * 4 / 3)
    assert rows["random"].passes == 0


@pytest.mark.parametrize(
    ("methods", "seeds", "changes", "budget", "message"),
    [
        ("random", [5, 6], (), "equal", r"--seeds: found \[5, 6\], expected all or some of \["),
        ("random", [0, 1], (), "published", "--budget: found published, expected equal as in"),
        ("random", [0, 1], ("retrain.epochs=2",), "equal", "retrain.epochs: found 2, expected 1"),
        ("base", [0], (), "equal", "search.method.like"),
        ("pdas", [0], (), "equal", "--methods: pdas: search.finalists"),
        ("random", [0, 0], (), "equal", "--seeds: found"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_begins(
    compared: Path,
    short: Experiment,
    here: Executor,
    methods: str,
    seeds: list[int],
    changes: tuple[str, ...],
    budget: str,
    message: str,
) -> None:
    before = sorted(compared.rglob("*"))
    with pytest.raises(SettingError, match=message) as error:
        run_comparison(
            changed(short, *changes), methods, seeds, compared, budget=budget, executor=here
        )
    assert "\n" not in str(error.value) and sorted(compared.rglob("*")) == before


def test_a_method_that_does_not_fit_is_named_with_those_that_do(
    short: Experiment, here: Executor, tmp_path: Path
) -> None:
    limited = changed(short, "search.penalty={cost: parameters, target: 1000, weight: 0.1}")
    with pytest.raises(SettingError, match=r"--methods: random does not fit digits .* of pdas"):
        run_comparison(limited, "random", [0], tmp_path / "out", executor=here)
    assert not (tmp_path / "out").exists()


def test_a_directory_with_something_else_is_refused(
    short: Experiment, here: Executor, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunError, match="holds something else than a comparison; give another"):
        run_comparison(short, METHODS, [0], tmp_path, executor=here)


def test_a_row_that_fails_does_not_stop_the_others(
    short: Experiment, here: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Experiment.search

    def fail_or_search(self: Experiment, out: Path, **settings: Any) -> Run:
        if self.recipe.search.method.name == "pdas":
            raise PdasError("search: a mistake")
        return search(self, out, **settings)

    monkeypatch.setattr(Experiment, "search", fail_or_search)
    done = run_comparison(short, "pdas-paper,random", [0], tmp_path / "out", executor=here)
    assert done.failed == {("pdas-paper", 0): "search: a mistake"}
    assert [each.name for each in done.rows] == ["random", "pdas-paper"]
    monkeypatch.undo()
    again = run_comparison(short, "pdas-paper,random", [0], tmp_path / "out", executor=here)
    assert again.failed == {} and all(each.values for each in again.rows)


def test_a_plain_network_is_a_run_too(short: Experiment, here: Executor, tmp_path: Path) -> None:
    import pdas

    done = run_comparison(short, "plain:squeezenet1_1", [0], tmp_path / "out", executor=here)
    assert done.failed == {} and done.rows[0].params[0] > 700_000
    run = tmp_path / "out" / "plain-squeezenet1_1" / "seed-0"
    assert pdas.load(run).channels == 1
    (measures,) = pdas.stages.evaluate(run).values()
    assert measures["test_error"] == done.rows[0].values[0]


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="ends by signals")
def test_a_killed_comparison_continues_as_one_that_was_not(
    experiment: Experiment, here: Executor, tmp_path: Path
) -> None:
    epochs = ("search.epochs=20", "retrain.epochs=1")
    sets = [word for change in (*TINY, *epochs) for word in ("--set", change)]
    command = [sys.executable, "-m", "pdas.cli", "compare", "digits", "--methods", "pdas-paper"]
    path = os.pathsep.join([str(Path(__file__).parents[2] / "src"), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def start() -> subprocess.Popen[bytes]:
        words = [*command, "--seeds", "3,", "--out", str(tmp_path / "out"), *sets]
        return subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)

    killed = start()
    run = tmp_path / "out" / "pdas-paper" / "seed-3"
    wait_for((run / "metrics.csv").exists)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (run / "architecture.json").exists()
    assert start().wait() == 0
    run_comparison(
        changed(experiment, *epochs), "pdas-paper", [3], tmp_path / "whole", executor=here
    )
    whole = tmp_path / "whole" / "pdas-paper" / "seed-3"
    for name in ("architecture.json", "theta.npz", "retrain-3/weights.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
