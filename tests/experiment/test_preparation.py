"""What comes before the stages: devices and images are opened once."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pdas
from pdas import recipes
from pdas.experiment import preparation
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.support.errors import PdasError, RunError
from tests.conftest import TINY, changed
from tests.waiting import stop_at

SHORT = ("data.train_images=100", "search.epochs=1", "retrain.epochs=1")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was opened, in order."""
    names: list[str] = []

    def counted(name: str) -> Any:
        function = getattr(preparation, name)

        def call(*arguments: Any, **options: Any) -> Any:
            names.append(name)
            return function(*arguments, **options)

        return call

    for name in ("open_fabric", "open_task"):
        monkeypatch.setattr(preparation, name, counted(name))
    return names


def test_search_and_retraining_open_devices_and_images_once(
    experiment: Experiment, tmp_path: Path, opened: list[str]
) -> None:
    short = changed(experiment, *SHORT)
    short.retrain(short.search(tmp_path / "run"))
    assert opened == ["open_fabric", "open_task"]


def test_a_run_from_python_opens_once_and_is_that_of_the_stages(
    experiment: Experiment, tmp_path: Path, opened: list[str]
) -> None:
    changes = dict(change.split("=") for change in (*TINY, *SHORT))
    values = {key: int(value) if value.isdigit() else value for key, value in changes.items()}
    run = pdas.run("digits", seed=3, out=tmp_path / "run", changes=values)
    assert opened == ["open_fabric", "open_task"]
    alone = replace(changed(experiment, *SHORT), seed=3)
    other = alone.search(tmp_path / "other")
    alone.retrain(other)
    for name in ("architecture.json", "theta.npz", "retrain-3/weights.safetensors"):
        assert (run.path / name).read_bytes() == (other.path / name).read_bytes()
    assert run.retrainings()[0].read_json("result.json")["test_error"] >= 0
    assert isinstance(pdas.load(run.path), pdas.Classifier)


def test_a_run_from_python_has_a_default_directory_and_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = recipes.load("digits", (*TINY, *SHORT))
    (tmp_path / "mine.yaml").write_text(recipes.dump(recipe))
    run = pdas.run("mine.yaml")
    assert run.path == Path("runs", "digits-0")
    before = (run.path / "metrics.csv").stat().st_mtime_ns
    with pytest.raises(RunError, match="already exists"):
        pdas.run("mine.yaml")
    assert pdas.run("mine.yaml", resume=True).path == run.path
    assert (run.path / "metrics.csv").stat().st_mtime_ns == before
    with pytest.raises(PdasError, match=r"no setting 'search\.epoch'; did you mean search\.epochs"):
        pdas.run("mine.yaml", changes={"search.epoch": 3})


def test_what_is_opened_does_not_go_into_another_process(
    experiment: Experiment, tmp_path: Path
) -> None:
    short = changed(experiment, *SHORT)
    with pytest.raises(BaseException, match="stopped after step 1"):
        short.search(tmp_path / "run", stop_at(1))
    assert "_opened" in vars(short)
    again = pickle.loads(pickle.dumps(short))
    assert again == short and "_opened" not in vars(again)
    assert not Run(again.search(tmp_path / "run", resume=True).path).is_unfinished
