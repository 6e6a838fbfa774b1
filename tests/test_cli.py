"""The commands, as a user calls them; a mistake is one line and exit status 2."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pdas import cli
from pdas.engine.experiment import Experiment
from pdas.run import Run
from tests.conftest import TINY

Pdas = Callable[..., tuple[int, str, str]]
CHANGES = [word for change in TINY for word in ("--set", change)]


@pytest.fixture
def pdas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Pdas:
    """Call the command line in an empty directory: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pdas", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return call


def test_run_does_all_and_the_other_commands_use_it(pdas: Pdas, tmp_path: Path) -> None:
    status, out, _ = pdas("run", "digits", *CHANGES)
    run = tmp_path / "runs" / "digits-0"
    assert status == 0
    assert "test error" in out and "convergence" in out
    for name in ("cells.png", "convergence.png", "report.html", "retrain-0/result.json"):
        assert (run / name).stat().st_size > 0

    status, out, _ = pdas("evaluate", run)
    error = Run(run / "retrain-0").read_json("result.json")["test_error"]
    assert status == 0 and f"{error:.2f} % test error" in out

    Image.new("L", (8, 8)).save(tmp_path / "zero.png")
    status, out, _ = pdas("predict", run, "zero.png")
    assert status == 0 and out.startswith("zero.png\t")

    (run / "cells.png").unlink()
    assert pdas("report", run)[0] == 0
    assert (run / "cells.png").exists()

    given = ["retrain", run / "architecture.json", "--recipe", "digits", "--out", "other"]
    assert pdas(*given, *CHANGES)[0] == 0
    assert (tmp_path / "other" / "retrain-0" / "result.json").exists()

    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    status, _, err = pdas("run", "digits", *CHANGES)
    assert status == 2 and "--out" in err and "give another" in err
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before


def test_a_retraining_on_other_settings_is_evaluated_on_those(
    pdas: Pdas, finished: Run, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    status, *_ = pdas("retrain", run, "--seed", 1, "--set", "data.image_size=10")
    assert status == 0
    status, out, _ = pdas("evaluate", run)
    assert status == 0
    for seed in (0, 1):
        error = Run(run / f"retrain-{seed}").read_json("result.json")["test_error"]
        assert f"{error:.2f} % test error" in out.split(f"retrain-{seed}")[1].splitlines()[0]


def test_recipes_are_listed_and_shown(pdas: Pdas) -> None:
    assert "cifar10" in pdas("recipes")[1]
    assert "weight_limit: 3000000" in pdas("recipes", "--show", "cifar10")[1]


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
            "search.batch_size: found 900, expected 1 to 719",
        ),
        (
            "run digits --set retrain.batch_size=2000",
            "retrain.batch_size: found 2000, expected 2 to 1438,",
        ),
        ("run digits --set retrain.batch_size=1", "retrain.batch_size: found 1, expected"),
        ("run digits --set data.pad=100000", "data.pad: found 100000"),
        ("run digits --set retrain.weight_limit=10", "retrain.weight_limit: found 10"),
        ("run digits --set search.learning_rate=1e38", "lower search.learning_rate"),
        ("run digits --set network.operations=[nothing]", "network.operations.0: found 'nothing'"),
        ("run digits --set network.operations=[]", "network.operations"),
        ("run digits --set data.memory_limit=.inf", "data.memory_limit: found inf"),
        ("run digits --set device.accelerator=mps", "device.accelerator: found 'mps'"),
        ("run digits --out broken/a/0.png", "--out: broken/a/0.png already exists"),
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


def test_a_batch_too_large_is_mended_by_what_the_message_says(pdas: Pdas, tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(10):  # 16 for training
            Image.new("RGB", (8, 8)).save(tmp_path / label / f"{i}.png")
    words = ["search", "folder", "--data-dir", tmp_path, "--out", tmp_path / "run", *CHANGES]
    words += ["--set", "data.image_size=8", "--set", "data.cutout=0"]
    for fix in ("--set search.batch_size=8", "--set retrain.batch_size=16"):
        status, _, err = pdas(*words)
        assert status == 2 and f"; add {fix} or more images" in err
        words += fix.split()
    assert pdas(*words)[0] == 0


@pytest.mark.parametrize(
    "words",
    ["", "run", "run digits --no-such", "run digits --seed -1", "run digits --seed 9999999999"],
)
def test_wrong_usage_has_status_two_and_no_traceback(pdas: Pdas, words: str) -> None:
    status, _, err = pdas(*words.split())
    assert status == 2
    assert "Traceback" not in err


def test_a_prediction_of_a_broken_image_names_it(pdas: Pdas, finished: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    status, _, err = pdas("predict", finished.path, "bad.png")
    assert status == 2 and "bad.png" in err


def test_a_prediction_of_what_is_no_file_says_what_to_give(
    pdas: Pdas, finished: Run, tmp_path: Path
) -> None:
    status, _, err = pdas("predict", finished.path, "nofile.png")
    assert status == 2 and err == "pdas: images: there is no file nofile.png; check the path\n"
    status, _, err = pdas("predict", finished.path, tmp_path)
    assert status == 2 and err.endswith(f"expected files; give {tmp_path}/*.png\n")


def test_the_help_of_predict_says_which_retraining(pdas: Pdas) -> None:
    assert "RUN/retrain-1" in pdas("predict", "--help")[1]


@pytest.mark.parametrize(
    ("format", "file"), [("state_dict", "state_dict.pt"), ("torch", "program.pt2")]
)
def test_an_export_prints_its_files_and_is_not_made_twice(
    pdas: Pdas, finished: Run, tmp_path: Path, format: str, file: str
) -> None:
    words = ["export", finished.path, "--format", format, "--out", "out"]
    assert pdas(*words) == (0, f"out/network.json\nout/{file}\n", "")
    status, _, err = pdas(*words)
    assert status == 2 and err == "pdas: --out: out already exists and is not empty; give another\n"


def test_the_exporters_say_nothing_of_their_own(finished: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pdas.cli", "export", str(finished.path), "--format", "onnx"]
    out = tmp_path / "out"
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout == f"{out}/network.json\n{out}/network.onnx\n"


def test_an_interrupted_export_says_that_nothing_was_written(
    pdas: Pdas, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "export_network", interrupt)
    status, _, err = pdas("export", finished.path, "--out", "out")
    assert status == 130 and err == "pdas: interrupted; nothing was written\n"


def interrupt(*args: object, **options: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_is_one_line_and_the_unfinished_search_is_named(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "_show_search", interrupt)
    status, _, err = pdas("run", "digits", *CHANGES)
    run = Path("runs", "digits-0")
    left = f"{run} holds what there is so far; add --resume to the command to go on"
    assert status == 130 and err == f"pdas: interrupted; {left}\n"
    assert (run / "config.yaml").exists()

    status, _, err = pdas("retrain", run)
    assert status == 2 and err.startswith(f"pdas: run: {run}: the search has not finished; ")
    status, _, err = pdas("run", "digits", *CHANGES)
    assert status == 2 and "holds a search that has not finished; go on with --resume" in err


def test_an_interrupt_before_anything_is_written_says_so(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Experiment, "search", interrupt)
    status, _, err = pdas("search", "digits")
    assert status == 130 and err == "pdas: interrupted; nothing was written\n"


def test_an_interrupted_retraining_leaves_its_search(
    pdas: Pdas, finished: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    monkeypatch.setattr(cli, "_show_retraining", interrupt)
    status, _, err = pdas("retrain", run, "--seed", 1)
    left = f"{run / 'retrain-1'} holds what there is so far; add --resume to the command to go on"
    assert status == 130 and err == f"pdas: interrupted; {left}\n"
    status, _, err = pdas("retrain", run, "--seed", 1)
    assert status == 2 and "retrain-1 holds a retraining that has not finished" in err


def test_the_console_script_ends_with_status_two(tmp_path: Path) -> None:
    script = shutil.which("pdas", path=str(Path(sys.executable).parent))
    assert script is not None
    done = subprocess.run([script, "run", "nothing"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("pdas: recipe: found 'nothing'")
    assert done.stderr.count("\n") == 1
