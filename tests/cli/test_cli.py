"""The command line as a whole: a mistake is one line and exit status 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.conftest import CHANGES, Pdas


def folders(root: Path) -> None:
    (root / "empty").mkdir()
    for name, classes in (("one", "a"), ("broken", "ab")):
        for label in classes:
            (root / name / label).mkdir(parents=True)
            for i in range(4):
                Image.new("RGB", (16, 16)).save(root / name / label / f"{i}.png")
    (root / "broken" / "a" / "bad.png").write_bytes(b"no image")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run digit", "recipe: found 'digit'"),
        ("run digits --set search.epoch=1", "no setting 'search.epoch'"),
        ("run digits --set search.epochs=x", "search.epochs: found 'x'"),
        ("run folder", "--data-dir: found none"),
        ("run folder --data-dir missing", "--data-dir: found no folder missing"),
        ("run folder --data-dir empty", "--data-dir: found no folders in empty"),
        ("run folder --data-dir one", "--data-dir: found only one class in one"),
        ("run folder --data-dir broken", "bad.png"),
        ("run digits --set data.image_size=7", "data.image_size"),
        (
            "run digits --set search.batch_size=900",
            "search.batch_size: found 900, expected 1 to 160",
        ),
        (
            "run digits --set retrain.batch_size=2000",
            "retrain.batch_size: found 2000, expected 2 to 320,",
        ),
        ("run digits --set retrain.batch_size=1", "retrain.batch_size: found 1, expected"),
        ("run digits --set data.pad=100000", "data.pad: found 100000"),
        ("run digits --set retrain.weight_limit=10", "retrain.weight_limit: found 10"),
        (  # in the steps of the check, which a shorter search has not
            "run digits --set data.train_images=null --set search.optimizer.learning_rate=1e12",
            "lower search.optimizer.learning_rate",
        ),
        ("run digits --set network.operations=[nothing]", "network.operations.0: found 'nothing'"),
        ("run digits --set network.operations=[]", "network.operations"),
        (
            'run digits --set search.limit={"cost":"parameters","maximum":1}',
            "limit.maximum: found 1",
        ),
        ('run digits --set search.limit={"cost":"weight","maximum":1}', "cost: found 'weight'"),
        ('run digits --set search.penalty={"cost":"latency"}', "search.penalty.target: found none"),
        ("run digits --set search.method=best", "search.method: found 'best'"),
        ("run digits --set search.method.beta=1", "search.method.beta: there is no such setting"),
        ("run digits --set search.method=nowhere:Method", "search.method: found"),
        ("run digits --set data.memory_limit=.inf", "data.memory_limit: found inf"),
        ("run digits --set device.accelerator=mps", "device.accelerator: found 'mps'"),
        ("run digits --out broken/a/0.png", "--out: broken/a/0.png is not a directory"),
        ("run digits --out broken/a/0.png/new", "--out: broken/a/0.png/new cannot be made"),
        ("retrain missing.json --recipe digits", "missing.json"),
        ("retrain missing", "run: there is no missing"),
        ("retrain broken/a/0.png", "--recipe"),
        ("retrain broken/a/0.png --recipe digits", "cannot be read"),
        ("retrain empty", "empty has no config.yaml"),
        ("evaluate missing", "missing"),
        ("report missing", "missing"),
        ("predict missing x.png", "missing"),
        ("export missing", "missing has no config.yaml"),
        ("export empty --format torch", "empty has no config.yaml"),
        ("export missing --format tf", "--format: found 'tf', expected one of state_dict, torch"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    pdas: Pdas, tmp_path: Path, words: str, message: str
) -> None:
    folders(tmp_path)
    before = set(tmp_path.rglob("*"))
    changes = CHANGES if words.startswith("run digits") else []
    # The later of two changes of a setting counts, so the mistake comes last.
    command, name, *rest = words.split()
    status, _, err = pdas(command, name, *changes, *rest)
    lines = [line for line in err.splitlines() if not line.startswith("search ")]  # the bar
    assert status == 2
    assert len(lines) == 1 and lines[0].startswith("pdas: ") and message in lines[0]
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    ["", "run", "run digits --no-such", "run digits --seed -1", "run digits --seed 9999999999"],
)
def test_wrong_usage_has_status_two_and_no_traceback(pdas: Pdas, words: str) -> None:
    status, _, err = pdas(*words.split())
    assert status == 2
    assert "Traceback" not in err


def test_the_console_script_ends_with_status_two(tmp_path: Path) -> None:
    script = shutil.which("pdas", path=str(Path(sys.executable).parent))
    assert script is not None
    done = subprocess.run([script, "run", "nothing"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("pdas: recipe: found 'nothing'")
    assert done.stderr.count("\n") == 1


PATHS = [
    "run digits --out {}",
    "run digits --out {} --resume",
    "run {}.yaml",
    "run folder --data-dir {}",
    "retrain {}",
    "retrain {}.json --recipe digits",
    "evaluate {}",
    "predict {} a.png",
    "export {}",
    "report {}",
    "sweep digits --seeds 1 --out {}",
]


@pytest.mark.parametrize("command", PATHS)
@pytest.mark.parametrize("path", ["x" * 300, "closed/run"])
def test_a_path_that_cannot_be_or_may_not_be_entered_is_one_line(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch, path: str, command: str
) -> None:
    for name in ("stat", "lstat", "mkdir", "listdir", "scandir", "open"):
        monkeypatch.setattr(os, name, _closed(getattr(os, name)))
    status, _, err = pdas(*command.format(path).split())
    assert status == 2 and err.startswith("pdas: ") and len(err.splitlines()) == 1, err
    assert "File name too long" in err or "Permission denied" in err


def _closed(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call of the system in which nobody, not even root, may enter the folder `closed`."""

    def closed(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).startswith("closed/"):
            raise PermissionError(13, "Permission denied", str(path))
        return call(path, *arguments, **options)

    return closed
