"""The memory of a search does not grow with its steps."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from pdas.experiment.experiment import Experiment
from pdas.experiment.preparation import open_all, prepare
from pdas.resume.checkpoint import Checkpoints
from pdas.searches.search import search
from pdas.training.loop import Progress

MB = 2**20
STATUS = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    return int(STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def objects() -> int:
    """How many tensors there are."""
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def growth(experiment: Experiment, steps: int, folder: Path) -> tuple[float, int]:
    """MB and tensors by which a search of so many steps grows after a third of them."""
    opened = open_all(experiment.recipe, None, download=False)
    fabric, task = opened.fabric, opened.task
    network = prepare(experiment.recipe, 0, opened, folder).network
    assert network is not None
    found: list[tuple[int, int]] = []

    def on_step(progress: Progress) -> None:
        if progress.step in (steps // 3, steps - 1):
            found.append((resident(), objects()))

    checkpoints: Any = Checkpoints(folder, seconds=0)
    checkpoints.due = lambda: False
    search(
        network,
        task.loss,
        task.search_batches(0),
        preset="paper",
        steps=steps,
        batch_size=8,
        fabric=fabric,
        checkpoints=checkpoints,
        on_step=on_step,
    )
    (before, tensors), (after, more) = found
    return (after - before) / MB, more - tensors


@pytest.mark.skipif(not STATUS.exists(), reason="what is in memory is read from /proc")
@pytest.mark.parametrize("steps", [200, pytest.param(2_000, marks=pytest.mark.long)])
def test_memory_is_flat(experiment: Experiment, tmp_path: Path, steps: int) -> None:
    megabytes, tensors = growth(experiment, steps, tmp_path)
    # A batch of 32 images in the cells takes some 2 MB: to keep one a step would be far more.
    assert megabytes < 16
    assert tensors < 100
