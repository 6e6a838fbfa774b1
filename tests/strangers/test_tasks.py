"""A task, a family and a data set from files of their own, by recipe and by command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import pdas
from pdas.runs.run import Run

ROOT = Path(__file__).parents[2]
COUNTING = "name: counting\ntask: counting\ndevice: {accelerator: cpu}\n"


def run_pdas(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pdas.cli", "--import", module, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of the counting task, and what the command line showed."""
    folder = tmp_path_factory.mktemp("counting")
    recipe = folder / "counting.yaml"
    recipe.write_text(COUNTING)
    out = folder / "run"
    done = run_pdas("tests.strangers.counting", "run", str(recipe), "--out", str(out))
    return out, done.stdout + done.stderr


def test_a_metric_of_its_own_is_everywhere(counted: tuple[Path, str]) -> None:
    out, shown = counted
    assert "off by" in shown and "mean miscount" in shown  # in the progress and the table
    with (out / "metrics.csv").open() as file:
        assert float(next(csv.DictReader(file))["miscount"]) >= 0
    result = json.loads((out / "retrain-0" / "result.json").read_text())
    assert 0 <= result["miscount"] < 10
    page = (out / "report.html").read_text()
    assert "mean miscount" in page and f"{result['miscount']:.2f} blobs" in page


def test_a_task_is_evaluated_loaded_and_searched_from_python(
    counted: tuple[Path, str], tmp_path: Path
) -> None:
    import tests.strangers.counting  # noqa: F401 - registers the task

    out, _ = counted
    network = pdas.load(out)
    assert sum(w.numel() for w in network.parameters()) > 0
    done = run_pdas("tests.strangers.counting", "evaluate", str(out))
    result = Run(out / "retrain-0").read_json("result.json")
    assert f"{result['miscount']:.2f} blobs" in done.stdout
    recipe = tmp_path / "counting.yaml"
    recipe.write_text(COUNTING)
    short = {"search.epochs": 1, "retrain.epochs": 1, "search.method": "random"}
    run = pdas.run(str(recipe), out=tmp_path / "run", changes=short)
    assert run.read_json("search.json")["method"] == "random"


def test_a_task_is_swept(tmp_path: Path) -> None:
    recipe = tmp_path / "counting.yaml"
    recipe.write_text(COUNTING)
    out = tmp_path / "sweep"
    words = ["sweep", str(recipe), "--seeds", "2", "--workers", "1", "--out", str(out)]
    short = ["--set", "search.epochs=1", "--set", "retrain.epochs=1"]
    done = run_pdas("tests.strangers.counting", *words, *short)
    comparison = json.loads((out / "sweep.json").read_text())
    assert set(comparison["measures"]["miscount"]["values"]) == {"0", "1"}
    assert "mean miscount" in done.stdout


def test_a_data_set_and_a_family_serve_the_classification(tmp_path: Path) -> None:
    recipe = tmp_path / "chain.yaml"
    recipe.write_text(
        "name: chain\ndata: {name: blobs, pad: 0, cutout: 0}\nnetwork: {space: chain}\n"
        "search: {epochs: 2, batch_size: 16}\nretrain: {epochs: 2, batch_size: 16}\n"
        "device: {accelerator: cpu}\n"
    )
    out = tmp_path / "run"
    done = run_pdas("tests.strangers.all", "run", str(recipe), "--out", str(out))
    assert "test error" in done.stdout
    retrained = Run(out).retrainings()[0].read_json("result.json")
    assert retrained["network"]["space"] == "chain"
