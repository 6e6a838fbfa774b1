"""A rank that fails ends by itself where its exit would wait for the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RANK = """
import atexit, sys, time
from types import SimpleNamespace

from pdas.distributed.exchange.leaving import ending_alone

# As Fabric does it for NCCL: a handler that waits for the other ranks.
atexit.register(lambda: (print("waits", flush=True), time.sleep({wait})))
sys.modules["torch.distributed"] = SimpleNamespace(
    is_initialized=lambda: True, get_backend=lambda: {backend!r}
)
with ending_alone():
    print("before")
    {end}
"""


def ended(end: str, backend: str = "nccl", wait: float = 0) -> subprocess.CompletedProcess[str]:
    code = RANK.format(end=end, backend=backend, wait=wait)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(("end", "status"), [("sys.exit(3)", 3), ("1 / 0", 1)])
def test_a_rank_that_fails_does_not_wait(end: str, status: int) -> None:
    found = ended(end, wait=600)
    assert (found.returncode, found.stdout) == (status, "before\n")
    assert ("ZeroDivisionError" in found.stderr) == (status == 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_nor_does_one_whose_output_is_lost() -> None:
    full = 'sys.stdout = open("/dev/full", "w"); print("lost"); sys.exit(3)'
    assert ended(full, wait=600).returncode == 3


@pytest.mark.parametrize(
    ("end", "backend", "status"), [("sys.exit(0)", "nccl", 0), ("sys.exit(3)", "gloo", 3)]
)
def test_others_leave_as_they_would(end: str, backend: str, status: int) -> None:
    found = ended(end, backend)
    assert (found.returncode, found.stdout) == (status, "before\nwaits\n")
