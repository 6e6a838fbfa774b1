"""Tiny experiments in processes of their own, which tests kill, and what is left of them."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pdas.runs.run import Run
from tests.conftest import TINY, TINY_INPAINTING

ROOT = Path(__file__).parents[2]
RECIPES = {
    "digits": (*TINY, "search.epochs=5", "retrain.epochs=5"),
    "inpaint-photos": (*TINY_INPAINTING, "search.steps=30", "retrain.steps=30"),
}
VARYING = ("seconds", "data_dir", "environment")


def pdas(*words: object) -> subprocess.Popen[str]:
    """Start `pdas` with many checkpoints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.often", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
        start_new_session=True,  # so that its workers can be ended with it
    )


def started(recipe: str, out: Path, *words: object) -> subprocess.Popen[str]:
    """Start or resume the whole experiment of a tiny recipe."""
    changes = [word for change in RECIPES[recipe] for word in ("--set", change)]
    return pdas("run", recipe, "--out", out, "--resume", *changes, *words)


def kill(process: subprocess.Popen[str]) -> str:
    """End it by `kill -9`, then the workers that it leaves behind; returns its errors."""
    process.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate(timeout=60)[1]


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for its end, which must be a good one."""
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def contents(path: Path) -> dict[str, Any]:
    """Everything in a run directory that must not vary, by the names of its files."""
    return {
        str(file.relative_to(path)): _content(file)
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.suffix not in (".png", ".html")
    }


def _content(file: Path) -> Any:
    if file.suffix == ".csv":
        return [_steady(row) for row in csv.DictReader(file.read_text().splitlines())]
    if file.suffix == ".npz":
        arrays = np.load(file)
        return {name: (str(array.dtype), array.tolist()) for name, array in arrays.items()}
    if file.suffix == ".json":
        return _steady(Run(file.parent).read_json(file.name))
    if file.suffix == ".yaml":
        return _steady(yaml.safe_load(file.read_text()))
    return file.read_bytes()


def _steady(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _steady(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if name not in VARYING and "latency" not in name
    }
