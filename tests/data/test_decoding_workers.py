"""Processes that decode: their end with the run, a killed one, and memory over many passes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pdas.data.disk import DiskImages
from pdas.data.files import Paths, found_in
from pdas.data.views.areas import RandomAreas
from pdas.resume.lost_workers import lost_workers_named
from pdas.support.errors import DataError
from tests.made_up_photographs import made_up_photographs
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> DiskImages:
    root = made_up_photographs(tmp_path_factory.mktemp("images") / "a", classes=2, train=16, val=1)
    paths = found_in(root / "train").images
    labels = torch.zeros(len(paths), dtype=torch.int64)
    return DiskImages(Paths(paths), labels, size=48, channels=3, workers=2)


def children() -> list[int]:
    """Processes that this one has started and that live."""
    path = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    return [int(number) for number in Path(path).read_text().split()]


@pytest.mark.parametrize("kind", [ConnectionResetError, EOFError])
def test_a_worker_that_is_killed_while_it_hands_over_a_batch_is_a_line(
    kind: type[Exception],
) -> None:
    loader = {"__name__": "torch.utils.data.dataloader", "kind": kind}
    exec("def fetch():\n    raise kind()", loader)
    with pytest.raises(DataError, match=r"data\.workers: found a process"), lost_workers_named():
        loader["fetch"]()
    with pytest.raises(kind), lost_workers_named():  # of something else
        raise kind


def test_workers_end_with_a_pass_that_is_given_up(source: DiskImages) -> None:
    before = set(children())
    batches = source.batches(torch.arange(32).split(4))
    next(batches)
    assert len(set(children()) - before) == 2
    del batches
    wait_for(lambda: not set(children()) - before)


STARTS = """
import os, sys, time, torch
from pdas.data.disk import DiskImages
from pdas.resume.lost_workers import lost_workers_named
from pdas.support.errors import DataError
paths = sys.argv[1:] * 1000
labels = torch.zeros(len(paths), dtype=torch.int64)
source = DiskImages(paths, labels, size=48, channels=3, workers=2)
batches = source.batches(torch.arange(len(paths)).split(4))
next(batches)
print(open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read(), flush=True)
"""
WAITS = STARTS + "time.sleep(600)"
# Torch may tell of a lost worker wherever the program is just then, and again at its end.
GOES_ON = f"""{STARTS}
try:
    with lost_workers_named():
        for _ in batches:
            time.sleep(0.01)
except DataError as error:
    print(error, flush=True)
    os._exit(2)
"""


def started(program: str, source: DiskImages) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *source.paths[:4]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    return [int(number) for number in process.stdout.readline().split()]


def test_a_killed_worker_is_a_line(source: DiskImages) -> None:
    with started(GOES_ON, source) as process:
        os.kill(workers_of(process)[0], signal.SIGKILL)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 2
    assert said.startswith("data.workers: found a process that loads data and was killed")
    assert said.count("\n") == 1


@pytest.mark.long
def test_workers_end_when_their_run_is_killed(source: DiskImages) -> None:
    with started(WAITS, source) as process:
        workers = workers_of(process)
        process.kill()
    assert len(workers) == 2
    wait_for(lambda: not any(map(is_alive, workers)))


def is_alive(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("workers", [0, 2])
def test_memory_is_flat_over_passes(source: DiskImages, workers: int) -> None:
    source.workers = workers

    def passes(count: int) -> int:
        for seed in range(count):
            order = torch.randperm(32).split(8)
            for images, _ in source.batches(order, "cpu", RandomAreas((0.08, 1.0), seed)):
                del images
        return resident()

    passes(4)
    first = passes(4)
    grown = passes(16) - first
    # One decoded image in each pass would be 9 MB.
    assert grown < 4 * 2**20
