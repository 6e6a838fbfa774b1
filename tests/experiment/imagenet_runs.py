"""The recipe of ImageNet on a made-up copy, tiny, whole and stopped in the middle of an epoch.

Several ranks run `python -m tests.experiment.imagenet_runs DATA OUT ARCHITECTURE`; see `run_ranks`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.resume.signals import StoppedError
from pdas.runs.run import Run

TINY = (
    "data.image_size=40",
    "data.workers=0",
    "search.image_size=32",
    "search.train_fraction=0.5",
    "network.nodes=1",
    "network.channels=2",
    "network.cells_per_stage=1",
    "search.epochs=1",
    "search.batch_size=4",
    "retrain.epochs=2",
    "retrain.batch_size=16",
    "retrain.base_batch=16",
    "retrain.cells_per_stage=1",
    "retrain.limit={cost: multiply_adds, maximum: 150000}",
    "retrain.schedule={name: cosine, warmup: 1}",
    "retrain.ema=0.8",
    "device.accelerator=cpu",
)

TWO = ("device.devices=2", "device.sync_batch_norm=true")
# In more steps of so small a network, rounding grows to any size.
ONE_STEP = ("retrain.epochs=null", "retrain.steps=1")


def experiment(data: Path, *changes: str) -> Experiment:
    return Experiment(recipes.load("imagenet", (*TINY, *changes)), data_dir=data)


def stopping(step: int, index: int) -> Callable[[Any], None]:
    """Ends a rank by SIGTERM after a step."""

    def on_step(progress: Any) -> None:
        rank = dist.get_rank() if dist.is_initialized() else 0
        if (progress.step, rank) == (step, index):
            os.kill(os.getpid(), signal.SIGTERM)

    return on_step


def retrained(small: Experiment, found: Run, stop_at: int | None, last_rank: int) -> Run:
    """The retraining of a search; with `stop_at` it is stopped after this step and resumed."""
    if stop_at is not None:
        with suppress(StoppedError):
            small.retrain(found, stopping(stop_at, last_rank))
            raise AssertionError("it was not stopped")
    return small.retrain(found, resume=stop_at is not None)


def main(data: Path, out: Path, architecture: Path) -> None:
    """A search, and its retraining twice, on two ranks; and one step of that of an architecture."""
    torch.set_num_threads(1)
    small = experiment(data, *TWO)
    for name, stop_at in (("whole", None), ("stopped", 5)):
        retrained(small, small.search(out / name), stop_at, last_rank=1)
    experiment(data, *TWO, *ONE_STEP).retrain_file(architecture, out / "alike")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
