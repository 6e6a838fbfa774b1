"""A stage is resumed with what it was begun with, alone in its directory."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdas import recipes
from pdas.data.disk import DiskImages
from pdas.experiment.experiment import Experiment
from pdas.experiment.stage_directory import Origin, stage_directory
from pdas.resume.checkpoint import Checkpoints
from pdas.resume.signals import StoppedError
from pdas.runs.run import Run
from pdas.support.errors import CheckpointError, DataError, RunError, SettingError
from pdas.support.files import locked_directory
from pdas.tasks.recipe import recorded
from tests.conftest import TINY, changed
from tests.waiting import stop_at


def architecture(experiment: Experiment, path: Path, seed: int) -> Path:
    from pdas.tasks.loading import recipe_space

    recipe_space(experiment.recipe).uniform(np.random.default_rng(seed)).save(path)
    return path


def content(run: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in run.rglob("*") if p.is_file()}


@pytest.mark.parametrize("stop", [0, 5])
def test_another_architecture_is_refused(experiment: Experiment, tmp_path: Path, stop: int) -> None:
    first, other = (architecture(experiment, tmp_path / f"{i}.json", i) for i in range(2))
    out = tmp_path / "out"
    try:
        experiment.retrain_file(first, out, stop_at(stop))
    except StoppedError:
        assert stop
    before = content(out)
    with pytest.raises(DataError, match=r"^--resume: found another architecture than \S+out was"):
        experiment.retrain_file(other, out, resume=True)
    assert content(out) == before
    experiment.retrain_file(first, out, resume=True)
    assert (out / "architecture.json").read_text() == first.read_text()


def test_an_architecture_that_was_edited_is_refused(
    experiment: Experiment, finished: Run, tmp_path: Path
) -> None:
    run = Run(Path(shutil.copytree(finished.path, tmp_path / "run")))
    architecture(experiment, run.path / "architecture.json", 3)
    with pytest.raises(DataError, match="found another architecture than"):
        experiment.retrain(run, resume=True)


def folder(path: Path, images: int) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", images), ("test", 4)):
        for label in "ab":
            (path / part / label).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(path / part / label / f"{i}.png")


def test_other_training_images_are_refused(tmp_path: Path) -> None:
    folder(tmp_path / "data", 16)
    small = ("data.image_size=8", "search.batch_size=4", "retrain.batch_size=4")
    recipe = recipes.load("folder", (*TINY, *small))
    experiment = Experiment(recipe, data_dir=tmp_path / "data")
    with pytest.raises(StoppedError):
        experiment.search(tmp_path / "run", stop_at(3))
    folder(tmp_path / "data", 17)
    later = replace(experiment)  # which opens the images anew, as another process does
    with pytest.raises(DataError, match="found another training images than"):
        later.search(tmp_path / "run", resume=True)


def test_a_batch_may_go_on_in_parts_and_the_run_says_so(
    experiment: Experiment, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        experiment.search(tmp_path / "run", stop_at(3))
    with pytest.raises(
        SettingError, match=r"search\.optimizer\.learning_rate: found 0\.5, expected"
    ):
        changed(experiment, "search.optimizer.learning_rate=0.5").search(
            tmp_path / "run", resume=True
        )
    parts = changed(experiment, "search.accumulate=2", "retrain.accumulate=2")
    run = parts.search(tmp_path / "run", resume=True)
    assert not run.is_unfinished
    assert recorded(run)[0] == parts.recipe


def test_without_a_whole_checkpoint_none_is_said_to_be_there(
    experiment: Experiment, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        experiment.search(tmp_path / "run", stop_at(3))
    for file in Checkpoints(tmp_path / "run" / "checkpoint").paths():
        file.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"directory to begin anew$"):
        experiment.search(tmp_path / "run", resume=True)


def test_a_finished_stage_keeps_its_record(finished: Run, experiment: Experiment) -> None:
    before = content(finished.path)
    changed(experiment, "search.accumulate=2").search(finished.path, resume=True)
    assert content(finished.path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="directories are not locked there")
def test_who_comes_second_to_a_new_directory_takes_nothing(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    taken: list[dict[str, bytes]] = []

    def faster(path: Path) -> AbstractContextManager[None]:
        """Another process begins between the first look and the lock."""
        if path == out and not taken:
            Run(out).write_config(experiment.recipe, seed=7, data_dir=None)
            taken.append(content(out))
        return locked_directory(path)

    monkeypatch.setattr("pdas.runs.directory.locked_directory", faster)
    with pytest.raises(RunError, match="has not finished"):
        experiment.search(out)
    assert content(out) == taken[0]


HOLD = """
import sys, time
from pathlib import Path
from pdas.support.files import locked_directory
with locked_directory(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="directories are not locked there")
def test_a_directory_is_for_one_process_at_a_time(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "60"], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"locked\n"
        refused = pytest.raises(RunError, match="another process is at work")
        with refused, locked_directory(tmp_path, 0.2):
            raise AssertionError("it was locked")
        other.kill()
    start = time.monotonic()
    with locked_directory(tmp_path), pytest.raises(RunError), locked_directory(tmp_path, 0.2):
        raise AssertionError("it was locked")
    with locked_directory(tmp_path):
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ("", ""),
        ("search.json", ""),
        ("note.txt", "note.txt"),
        ("search.json.part", "search.json.part"),
        ("config.yaml.txt note/", "config.yaml.txt note/"),
        ("checkpoint/", ""),
        ("checkpoint/mine.txt", "checkpoint/ checkpoint/mine.txt"),
        ("metrics.csv", "config.yaml metrics.csv"),
        (
            "checkpoint/step-000000001.ckpt",
            "checkpoint/ checkpoint/step-000000001.ckpt config.yaml",
        ),
    ],
)
def test_a_stage_that_fails_before_anything_was_done_removes_its_own_files(
    experiment: Experiment, tmp_path: Path, made: str, left: str
) -> None:
    origin, out = Origin(experiment.recipe, 0, None, {}), tmp_path / "runs" / "a"
    fabric = experiment._opened.fabric
    with (
        pytest.raises(SettingError, match=r"^no"),
        stage_directory(out, "--out", origin, fabric, resume=False) as run,
    ):
        assert run is not None and run.has_config
        for name in made.split():
            path = out / name
            (path if name.endswith("/") else path.parent).mkdir(exist_ok=True)
            if name == "search.json":
                run.write_json(name, {})
            elif not name.endswith("/"):
                path.touch()
        raise SettingError("no")
    found = [f"{p.relative_to(out)}{'/' * p.is_dir()}" for p in sorted(out.rglob("*"))]
    assert found == left.split()
    assert bool(left) == (tmp_path / "runs").exists()


def test_after_an_error_of_the_program_the_files_are_left_to_look_at(
    experiment: Experiment, tmp_path: Path
) -> None:
    origin, out = Origin(experiment.recipe, 0, None, {}), tmp_path / "a"
    fabric = experiment._opened.fabric
    with (
        pytest.raises(ZeroDivisionError),
        stage_directory(out, "--out", origin, fabric, resume=False),
    ):
        raise ZeroDivisionError
    assert [path.name for path in out.iterdir()] == ["config.yaml"]


def test_images_are_the_same_in_another_folder(tmp_path: Path) -> None:
    folder(tmp_path / "data", 3)
    flat = sorted((tmp_path / "data" / "train" / "a").iterdir())
    nested = sorted((tmp_path / "data" / "train").rglob("*.png"))

    def told(paths: list[Path]) -> str:
        labels = torch.zeros(len(paths), dtype=torch.int64)
        return DiskImages(
            [str(p) for p in paths], labels, size=8, channels=3, workers=0
        ).fingerprint()

    before = told(flat), told(nested), told(nested[:-1])
    (tmp_path / "data").rename(tmp_path / "moved")
    (tmp_path / "moved" / "train" / "a").rename(tmp_path / "elsewhere")
    assert told([tmp_path / "elsewhere" / p.name for p in flat]) == before[0]
    assert len(set(before)) == 3
