"""The commands on a finished run: measuring, predicting, exporting; and the list of recipes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pdas.runs.run import Run
from tests.cli.conftest import Pdas, interrupt


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


@pytest.mark.parametrize("words", [["report"], ["report", "--follow"], ["watch"]])
def test_the_warnings_of_a_run_are_the_last_lines(
    pdas: Pdas, make_run: Callable[..., Path], words: list[str]
) -> None:
    run = make_run()
    (run / "last_look.json").write_text('{"ties": 0.25}')
    for path in run.rglob("*"):
        os.utime(path, ns=(0, 0))  # long after its end
    status, out, _ = pdas(words[0], run, *words[1:])
    *table, warning = out.splitlines()
    assert status == 0 and len(table) > 5
    assert warning.startswith("warning: losses tie: 25% of the losses in a step equal")
    (run / "last_look.json").unlink()
    assert "losses tie" not in pdas("report", run)[1]


def test_recipes_are_listed_and_shown(pdas: Pdas) -> None:
    assert "cifar10" in pdas("recipes")[1]
    assert "weight_limit: 3000000" in pdas("recipes", "--show", "cifar10")[1]


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


def test_an_interrupted_export_is_one_line(
    pdas: Pdas, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdas.stages.export", interrupt)
    status, _, err = pdas("export", finished.path, "--out", "out")
    assert status == 130 and err == "pdas: interrupted; the export was not finished\n"


def test_several_runs_have_one_page(pdas: Pdas, finished: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(finished.path, tmp_path / "copy")
    status, out, err = pdas("report", finished.path, copy)
    assert (status, out, err) == (0, "The page is report.html.\n", "")
    assert "2 runs" in (tmp_path / "report.html").read_text()
    assert pdas("report", finished.path, copy, "--out", "two.html")[0] == 0
    (tmp_path / "notes.html").write_text("mine")
    for words, message in (
        (("report", finished.path, copy, "--out", "notes.html"), "--out: found notes.html, which"),
        (("report", copy, "--out", "new.html"), "--out: found 1 directory, whose page goes"),
        (("report", copy, "nowhere"), "run: nowhere has no config.yaml, expected"),
        (("report", copy, finished.path, "--follow"), "--follow: found several runs, expected one"),
        (("report", copy, "--follow", "--out", "x.html"), "--follow: found --out, expected one"),
        (("report", tmp_path), f"run: {tmp_path} has no config.yaml, expected"),
    ):
        status, out, err = pdas(*words)
        assert status == 2 and out == "" and err.startswith(f"pdas: {message}")
    assert (tmp_path / "notes.html").read_text() == "mine"
    assert not (tmp_path / "new.html").exists()
