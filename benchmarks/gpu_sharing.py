"""Several searches of cells at a time on one GPU, each a process: `benchmarks/gpu.py` runs it.

All processes warm up, wait for each other, and then step for as long. What counts is the sum of
their steps per second. As a program it is one of them:

    python benchmarks/gpu_sharing.py DEVICE SECONDS [--quick]
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from pdas.distributed.gpus import PIPES, VISIBLE, gpu_environments, visible_gpus

ROWS = (
    (1, "in turns"),
    (2, "in turns"),
    (2, "by MPS"),
    (3, "in turns"),
    (3, "by MPS"),
)


def steps_at_a_time(count: int, how: str, device: torch.device, quick: bool) -> dict[str, Any]:
    """The steps per second of so many searches on one GPU.

    Args:
        count: of searches.
        how: "in turns" or "by MPS".
        device: its type.
        quick: tiny networks, a moment.

    Raises:
        RuntimeError: MPS does not run, or a search fails.
    """
    with _environments(count, how) as environments, ExitStack() as stack:
        searches = [
            stack.enter_context(_search(device, quick, environment)) for environment in environments
        ]
        for search in searches:
            _expect(search, "ready")
        for search in searches:
            assert search.stdin is not None
            search.stdin.write("go\n")
            search.stdin.flush()
        rates = [float(_expect(search, "rate ")) for search in searches]
    return {
        "searches": count,
        "how": "alone" if count == 1 else how,
        "steps/s of each": min(rates),
        "steps/s of all": sum(rates),
    }


@contextmanager
def _environments(count: int, how: str) -> Iterator[Sequence[Mapping[str, str]]]:
    """Those of processes on the first GPU."""
    gpus = visible_gpus()
    if how == "in turns":
        yield [{VISIBLE: gpus[0]} if gpus else {}] * count
        return
    with gpu_environments(count * len(gpus)) as environments:
        if PIPES not in environments[0]:
            raise RuntimeError("CUDA MPS does not run, or ran already")
        yield environments[:: len(gpus)]


@contextmanager
def _search(
    device: torch.device, quick: bool, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    seconds = "0.2" if quick else "6"
    words = [sys.executable, __file__, device.type, seconds, *(["--quick"] if quick else [])]
    process = subprocess.Popen(
        words,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        process.kill()


def _expect(search: subprocess.Popen[str], word: str) -> str:
    """The rest of the line that begins with a word."""
    assert search.stdout is not None
    for line in search.stdout:
        if line.startswith(word):
            return line.removeprefix(word).strip()
    raise RuntimeError("a search has ended, as where memory runs out")


def main() -> None:
    """One of the searches."""
    from gpu_measures import fp32_as
    from gpu_networks import WORKLOADS, Way

    logging.getLogger("pdas").setLevel("ERROR")
    device, seconds, quick = torch.device(sys.argv[1]), float(sys.argv[2]), "--quick" in sys.argv
    layout = "last" if device.type == "cpu" else "first"
    with fp32_as("tf32" if device.type == "cuda" else "ieee"):
        work = WORKLOADS["search, cells"](Way(device, layout, "ieee", quick))
        work.steps_per_second(0.0 if quick else 1.0)
        print("ready", flush=True)
        sys.stdin.readline()
        print("rate", work.steps_per_second(seconds), flush=True)


if __name__ == "__main__":
    main()
