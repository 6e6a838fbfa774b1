"""How many runs at a time a sweep or a comparison has, and where each of them computes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from pdas.distributed import gpus
from pdas.distributed.gpus import VISIBLE
from pdas.experiment.experiment import Experiment
from pdas.experiment.sweep import sweep
from pdas.experiment.workers import default_workers, run_processes
from pdas.support.cores import cores
from pdas.support.errors import SettingError
from tests.conftest import changed


def gpu_of_this_process() -> str | None:
    return os.environ.get(VISIBLE)


@pytest.mark.parametrize(
    ("accelerator", "count", "expected"),
    [
        ("auto", 0, cores()),
        ("cpu", 2, cores()),
        ("auto", 1, 1),
        ("cuda", 2, min(2, cores())),
        ("mps", 0, 1),
    ],
)
def test_by_default_there_is_one_run_for_each_gpu_or_core(
    experiment: Experiment,
    monkeypatch: pytest.MonkeyPatch,
    accelerator: str,
    count: int,
    expected: int,
) -> None:
    set_devices(monkeypatch, count)
    recipe = changed(experiment, f"device.accelerator={accelerator}").recipe
    assert default_workers(recipe) == expected


@pytest.mark.skipif(cores() < 2, reason="two processes need two cores")
@pytest.mark.parametrize(
    ("accelerator", "workers", "expected"),
    [
        ("cuda", None, {"6", "4"}),
        ("cuda", 1, {"6"}),
        ("cpu", 2, {"6,4"}),
    ],
)
def test_runs_are_told_their_gpu_where_they_need_one(
    experiment: Experiment,
    monkeypatch: pytest.MonkeyPatch,
    accelerator: str,
    workers: int | None,
    expected: set[str],
) -> None:
    set_devices(monkeypatch, 2)
    monkeypatch.setenv(VISIBLE, "6,4")
    recipe = changed(experiment, f"device.accelerator={accelerator}").recipe
    with run_processes(recipe, workers, None) as pool:
        futures = [pool.submit(gpu_of_this_process) for _ in range(4)]
        assert {future.result() for future in futures} == expected


@pytest.mark.skipif(cores() < 2, reason="two processes need two cores")
def test_several_workers_of_one_gpu_share_it_until_the_last_run_has_ended(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_devices(monkeypatch, 1)
    monkeypatch.setattr(gpus.shutil, "which", lambda name: None)
    recipe = changed(experiment, "device.accelerator=cuda").recipe
    with run_processes(recipe, 2, None) as pool:
        assert pool.submit(gpu_of_this_process).result() == "0"
    assert [line.startswith("2 processes on 1 GPU") for line in caplog.messages] == [True]


def test_workers_beside_an_executor_or_too_many_are_refused_before_anything_is_made(
    experiment: Experiment, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(SettingError, match="beside an executor"):
        sweep(experiment, [0], tmp_path / "out", workers=1, executor=executor)
    with pytest.raises(SettingError, match="--workers: found 9999, expected 1 to"):
        sweep(experiment, [0], tmp_path / "out", workers=9999)
    assert not (tmp_path / "out").exists()


def set_devices(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
