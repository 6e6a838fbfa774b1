"""`pdas run`, `search` and `retrain`: what they leave, also when they are interrupted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from pdas.distributed.launch import started_ranks
from pdas.experiment.experiment import Experiment
from pdas.runs.run import Run
from pdas.training import display
from tests.cli.conftest import CHANGES, Pdas, interrupt


def test_run_does_all_and_the_other_commands_use_it(pdas: Pdas, tmp_path: Path) -> None:
    status, out, err = pdas("run", "digits", "--control", 1, *CHANGES)
    run = tmp_path / "runs" / "digits-0"
    assert status == 0
    plan = "retrained with: channels 10 (search: 4), so that retrain.weight_limit=20000 is met"
    assert err.startswith("images: 320 for training and 359 for the test") and plan in err
    assert "test error" in out and "share of θ decided" in out
    assert "control 1 of 1 20/20" in err and "of one random" in out
    assert Run(run).read_json("control.json")["controls"].keys() == {"control-1"}
    for name in ("architecture.svg", "report.html", "retrain-0/result.json"):
        assert (run / name).stat().st_size > 0

    status, out, _ = pdas("evaluate", run)
    error = Run(run / "retrain-0").read_json("result.json")["test_error"]
    assert status == 0 and f"{error:.2f} % test error" in out

    Image.new("L", (8, 8)).save(tmp_path / "zero.png")
    status, out, _ = pdas("predict", run, "zero.png")
    assert status == 0 and out.startswith("zero.png\t")

    (run / "architecture.svg").unlink()
    assert pdas("report", run)[0] == 0
    assert (run / "architecture.svg").exists()

    given = ["retrain", run / "architecture.json", "--recipe", "digits", "--out", "other"]
    assert pdas(*given, *CHANGES)[0] == 0
    assert (tmp_path / "other" / "retrain-0" / "result.json").exists()

    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    status, _, err = pdas("run", "digits", *CHANGES)
    assert status == 2 and "--out" in err and "give another" in err
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before


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


def test_an_interrupt_is_one_line_and_the_unfinished_search_is_named(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(display, "bar_text", interrupt)
    status, _, err = pdas("run", "digits", *CHANGES)
    run = Path("runs", "digits-0")
    left = f"{run} holds what there is; add --resume to the command to continue"
    assert status == 130 and err.endswith(f"\npdas: interrupted; {left}\n")
    assert (run / "config.yaml").exists()

    status, _, err = pdas("retrain", run)
    assert status == 2 and err.startswith(f"pdas: run: {run}: the search has not finished; ")
    status, _, err = pdas("run", "digits", *CHANGES)
    assert status == 2 and "holds a search that has not finished; continue with --resume" in err


def test_an_interrupt_before_anything_is_written_says_so(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Experiment, "search", interrupt)
    status, _, err = pdas("search", "digits")
    assert status == 130 and err == "pdas: interrupted; nothing of runs/digits-0 was written\n"


def test_an_interrupted_retraining_leaves_its_search(
    pdas: Pdas, finished: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    monkeypatch.setattr(display, "bar_text", interrupt)
    status, _, err = pdas("retrain", run, "--seed", 1)
    kept = run / "retrain-1"
    left = f"{kept} holds what there is; add --resume to the command to continue"
    assert status == 130 and err == f"pdas: interrupted; {left}\n"
    status, _, err = pdas("retrain", run, "--seed", 1)
    assert status == 2 and "retrain-1 holds a retraining that has not finished" in err


def test_the_processes_that_were_started_are_those_of_the_settings(
    pdas: Pdas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert started_ranks() == 4
    status, _, err = pdas("search", "digits", *CHANGES)
    assert status == 2 and err == (
        "pdas: device.devices: found 1 on 1 machine(s), expected the 4 processes that were "
        "started; set --devices, and device.machines\n"
    )


def test_a_check_shows_the_images_and_the_plan_and_writes_nothing(
    pdas: Pdas, tmp_path: Path
) -> None:
    status, out, err = pdas("check", "digits", *CHANGES)
    shown = " ".join(out.replace("│", " ").split())
    assert status == 0 and not err and not list(tmp_path.iterdir())
    assert "channels 10 (search: 4), so that retrain.weight_limit=20000 is met" in shown
    assert re.search(r" 7 \d\d for training, 36 for the test", shown)


def test_a_folder_that_may_be_read_wrongly_is_refused_by_a_check(
    pdas: Pdas, tmp_path: Path
) -> None:
    for folder in ("cat", "dog", "Test"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / folder / "0.png")
    status, _, err = pdas("check", "folder", "--data-dir", tmp_path)
    assert status == 2 and err.startswith("pdas: --data-dir: found the parts 'Test' beside other ")
