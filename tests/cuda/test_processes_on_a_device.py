"""Two processes: two ranks of a search, and two seeds at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pdas.experiment.sweep import sweep
from pdas.support.cores import cores
from tests.cuda.tiny_trainings import TRAININGS, tiny

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.long,  # on the CPU other tests show this
    pytest.mark.skipif(cores() < 2, reason="two processes need two cores"),
]


def test_two_ranks_search_and_retrain(device: str, tmp_path: Path) -> None:
    if device == "cuda" and torch.cuda.device_count() < 2:
        pytest.skip("NCCL puts no two ranks on one GPU")
    recipe, settings = TRAININGS["cells"]
    chosen = [
        word
        for setting in (*settings, f"device.accelerator={device}")
        for word in ("--set", setting)
    ]
    out = tmp_path / "run"
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pdas.cli",
            "run",
            recipe,
            "--devices",
            "2",
            "--out",
            str(out),
            *chosen,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (out / "retrain-0" / "result.json").exists()


def test_seeds_at_a_time_are_those_one_after_the_other(device: str, tmp_path: Path) -> None:
    """On two GPUs if there are as many, else both on one."""
    experiment = tiny("cells", device, "device.deterministic=true")
    found = []
    for workers in (2, 1):
        done = sweep(experiment, [0, 1], tmp_path / str(workers), workers=workers)
        assert done.failed == {}
        found.append(
            [
                (
                    tmp_path / f"{workers}/seed-{seed}/retrain-{seed}/weights.safetensors"
                ).read_bytes()
                for seed in (0, 1)
            ]
        )
    assert found[0] == found[1]
    assert json.loads((tmp_path / "2" / "sweep.json").read_text())["seeds"] == [0, 1]
