"""The commands from Python: what they do, with strings and paths, by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import pdas
from pdas import recipes, stages
from pdas.runs.run import Run
from pdas.support.errors import RunError, SettingError
from tests.conftest import without_times

TINY = {
    "network": {"nodes": 2, "channels": 4},
    "search": {"method": "random", "epochs": 1},
    "retrain.epochs": 1,
    "retrain": {"weight_limit": 20000},
    "device.accelerator": "cpu",
}

LIST: Any = ["search.epochs=1"]


@pytest.fixture
def copy(finished: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.path, tmp_path / "copy"))


def test_a_run_has_all_stages_and_the_report(tmp_path: Path) -> None:
    run = pdas.run("digits", seed=3, out=str(tmp_path / "run"), changes=TINY, progress=False)
    assert run.path == tmp_path / "run" and (run.path / "report.html").stat().st_size
    recipe = run.raw_config()["recipe"]
    assert (recipe["network"]["nodes"], recipe["retrain"]["epochs"]) == (2, 1)
    assert recipe["network"]["operations"] == list(recipes.load("digits").network.operations)
    alone = stages.search("digits", seed=3, out=tmp_path / "alone", changes=TINY, progress=False)
    assert not alone.retrainings() and (alone.path / "report.html").exists()
    retrained = stages.retrain(alone, progress=False)
    assert retrained.path == tmp_path / "alone" / "retrain-3"
    whole, apart = (each.read_json("result.json") for each in (*run.retrainings(), retrained))
    assert without_times(whole) == without_times(apart)


def test_a_run_is_retrained_again_and_its_architecture_elsewhere(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    epoch = {"retrain": {"epochs": 1}}
    again = stages.retrain(str(copy), seed=7, changes=epoch, progress=False)
    assert again.path == copy / "retrain-7" and again.raw_config()["seed"] == 7
    assert again.raw_config()["recipe"]["retrain"]["epochs"] == 1
    file = copy / "architecture.json"
    elsewhere = stages.retrain(file, recipe="digits", changes=TINY, progress=False)
    assert elsewhere.path == Path("runs/digits-architecture-0/retrain-0")
    found = elsewhere.read_json("result.json")["architecture"]
    assert found == again.read_json("result.json")["architecture"]


def test_a_finished_run_is_evaluated_and_reported(copy: Path) -> None:
    result = Run(copy / "retrain-0").read_json("result.json")
    for run in (copy, str(copy), Run(copy), copy / "retrain-0"):
        (measures,) = stages.evaluate(run).items()
        assert measures[0] == "retrain-0"
        assert measures[1]["test_error"] == result["test_error"]
    for page in (stages.report(str(copy)), stages.report(Run(copy))):
        assert page == copy / "report.html"
    several = stages.report([str(copy), Run(copy)], copy / "same.html")
    assert several == copy / "same.html" and several.exists()
    assert [file.name for file in stages.export(str(copy), "card").iterdir()] == ["README.md"]


class Counting(Executor):
    """Does each call at once, and counts them."""

    calls = 0

    def submit(self, call: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        future.set_result(call(*args, **named))
        return future


def test_a_sweep_and_a_comparison_run_on_an_executor(tmp_path: Path) -> None:
    pool = Counting()
    changes = {**TINY, "search": {"epochs": 1}}
    swept = stages.sweep("digits", [3], out=tmp_path / "sweep", executor=pool, changes=TINY)
    assert (pool.calls, swept.failed) == (1, {})
    done = pdas.compare(
        "digits", "random", [3, 4], out=tmp_path / "rows", executor=pool, changes=changes
    )
    assert (pool.calls, done.failed, len(done.rows[0].values)) == (3, {}, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: stages.retrain("nowhere.json"), SettingError, "recipe, out: found none, expected"),
        (lambda: stages.retrain(".", recipe="digits"), SettingError, "found one beside ., exp"),
        (lambda: stages.retrain("."), RunError, "run: . has no config.yaml"),
        (lambda: stages.search("digit"), SettingError, "recipe: found 'digit', expected one of"),
        (lambda: stages.sweep("digits", 0), SettingError, "seeds: found 0"),
        (
            lambda: pdas.compare("digits", workers=1, executor=ThreadPoolExecutor(1)),
            SettingError,
            "workers: found 1 beside an executor",
        ),
        (lambda: stages.search("digits", seed="a"), SettingError, "seed: found 'a', expected an"),
        (lambda: stages.export(".", "tf"), SettingError, "state_dict, torch, onnx, card"),
        (lambda: pdas.run("digits", changes=LIST), SettingError, "changes: found list"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(
    call: Callable[[], Any],
    error: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as found:
        call()
    assert message in str(found.value) and not list(tmp_path.iterdir())
