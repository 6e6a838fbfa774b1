"""Ctrl-C and SIGTERM from outside, a full disk, a disk that is read-only, files that vanish."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.run import Run
from pdas.support.errors import DataError, NonFiniteLossError, RunError
from tests.conftest import TINY, changed
from tests.faults.tiny import contents, finish, started


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every step."""
    monkeypatch.setattr(Checkpoints, "due", lambda self: True)


@pytest.fixture(scope="module")
def short(experiment: Experiment) -> Experiment:
    return changed(experiment, "data.train_images=200", "search.epochs=3")


def files(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_after_the_step_with_a_line_that_says_how_to_go_on(
    tmp_path: Path, number: int
) -> None:
    process = started("digits", tmp_path / "run", "--set", "search.epochs=200")
    assert process.stdout is not None and process.stdout.readline() == "begun at 0\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    step = re.search(
        r"^pdas: stopped after step (\d+); add --resume to the .* continue$", errors, re.M
    )
    assert step is not None and "Traceback" not in errors
    newest = Checkpoints(tmp_path / "run" / "checkpoint").paths()[-1]
    assert newest.name == f"step-{int(step[1]):09d}.ckpt"


def write_fails(monkeypatch: pytest.MonkeyPatch, name: str, after: int) -> None:
    """Let the disk be full when a file whose name ends so is written once more than that."""
    opened, count = Path.open, iter(range(10**6))

    def open_(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode == "xb" and f"{name}-" in self.name and next(count) >= after:
            raise OSError(28, "No space left on device")
        return opened(self, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_)


@pytest.mark.parametrize("name", ["metrics.csv", "theta.npz", "ckpt", "search.json"])
def test_a_disk_that_is_full_for_a_while_costs_nothing(
    short: Experiment, tmp_path: Path, often: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = contents(short.search(tmp_path / "whole").path)
    with monkeypatch.context() as fault:
        write_fails(fault, name, 0 if name == "search.json" else 2)
        message = (
            r"cannot be written \(No space left on device\).*\.ckpt is from before, and --resume"
        )
        with pytest.raises(RunError, match=message):
            short.search(tmp_path / "run")
    left = set(files(tmp_path / "run"))
    assert not [file for file in left if file.endswith(".part")]
    assert {"config.yaml"} < left
    assert contents(short.search(tmp_path / "run", resume=True).path) == expected


@pytest.mark.parametrize(
    "name", ["metrics.csv", "weights.safetensors", "result.json", "ckpt", "config.yaml"]
)
def test_so_it_is_in_a_retraining(
    short: Experiment, tmp_path: Path, often: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run = short.search(tmp_path / "run")
    short.retrain(Run(Path(shutil.copytree(run.path, tmp_path / "whole"))))
    with monkeypatch.context() as fault:
        write_fails(fault, name, 1 if name in ("metrics.csv", "ckpt") else 0)
        with pytest.raises(RunError, match=r"cannot be written \(No space left on device\)"):
            short.retrain(run)
    short.retrain(run, resume=True)
    assert contents(run.path) == contents(tmp_path / "whole")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of so many bytes, where that is possible."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounts are not possible here")
        mounted.append(path)
        return path

    yield mount
    for path in mounted:
        subprocess.run(["umount", str(path)], check=True)


def test_a_disk_that_is_really_full(
    short: Experiment, tmp_path: Path, often: None, small_disk: Callable[[str], Path]
) -> None:
    disk = small_disk("8m")
    expected = contents(short.search(tmp_path / "whole").path)
    with pytest.raises(RunError, match="No space left on device"):
        short.search(disk / "run", on_step=lambda progress: filled(disk, progress.step))
    (disk / "other").unlink()
    assert (disk / "run" / "metrics.csv").exists()
    assert contents(short.search(disk / "run", resume=True).path) == expected


def filled(disk: Path, step: int) -> None:
    """After some steps somebody else needs all the room."""
    if step == 5:
        with pytest.raises(OSError), (disk / "other").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))


def test_a_disk_that_becomes_read_only(
    short: Experiment, tmp_path: Path, often: None, small_disk: Callable[[str], Path]
) -> None:
    disk = small_disk("8m")
    expected = contents(short.search(tmp_path / "whole").path)

    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)

    with pytest.raises(RunError, match=r"Read-only file system.*\.ckpt is from before"):
        short.search(disk / "run", lambda progress: remount("ro") if progress.step == 5 else None)
    with pytest.raises(RunError, match=r"Read-only file system"):
        short.search(disk / "run", resume=True)
    with pytest.raises(RunError, match=r"^--out: \S+ cannot be made \(Read-only file system\)"):
        short.search(disk / "other")
    remount("rw")
    assert contents(short.search(disk / "run", resume=True).path) == expected


def folder(path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    made = []
    for label in "ab":
        (path / label).mkdir(parents=True)
        for i in range(20):
            made.append(path / label / f"{i}.png")
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(made[-1])
    return made


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_file_that_vanishes_is_named_and_its_return_mends_all(
    tmp_path: Path, often: None, workers: int
) -> None:
    made = folder(tmp_path / "data")
    changes = ("data.image_size=8", "data.cutout=0", "search.batch_size=4", "retrain.batch_size=4")
    from_disk = (f"data.workers={workers}", "data.memory_limit=1e-9", "search.epochs=3")
    recipe = recipes.load("folder", (*TINY, *changes, *from_disk))
    experiment = Experiment(recipe, 0, tmp_path / "data")
    expected = contents(experiment.search(tmp_path / "whole").path)

    def vanish(progress: Any) -> None:
        if progress.step == 5:
            for file in made:
                file.rename(file.with_suffix(".away"))

    message = r"/data/[ab]/\d+\.png; check the path; \S+\.ckpt is from before, and --resume cont"
    with pytest.raises(DataError, match=message) as error:
        experiment.search(tmp_path / "run", vanish)
    assert "\n" not in str(error.value)
    for file in made:
        file.with_suffix(".away").rename(file)
    assert contents(experiment.search(tmp_path / "run", resume=True).path) == expected


def test_a_divergence_leaves_the_checkpoint_from_before(
    short: Experiment, tmp_path: Path, often: None
) -> None:
    wild = changed(short, "search.optimizer.learning_rate=1e8")
    message = (
        r"not finite for any architecture of step \d, of \(.*sep_conv.*\) and \(.*\); lower "
        r"search\.optimizer\.learning_rate; \S+step-00000000\d\.ckpt is from before"
    )
    with pytest.raises(NonFiniteLossError, match=message):
        wild.search(tmp_path / "run")
    assert Checkpoints(tmp_path / "run" / "checkpoint").paths()


def test_a_resumed_run_must_be_the_same(
    short: Experiment, tmp_path: Path, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        short.search(tmp_path / "run", stop)
    before = files(tmp_path / "run")
    with pytest.raises(Exception, match=r"^search\.epochs: found 5, expected 3 as in \S+run"):
        changed(short, "search.epochs=5").search(tmp_path / "run", resume=True)
    assert files(tmp_path / "run") == before


def test_the_command_line_goes_on(tmp_path: Path) -> None:
    process = started("digits", tmp_path / "run")
    assert process.stdout is not None and process.stdout.readline() == "begun at 0\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    finish(again := started("digits", tmp_path / "run"))
    assert again.returncode == 0 and Run.open(tmp_path / "run").retrainings()
