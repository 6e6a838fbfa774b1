"""How often the host waits for a GPU in a step of a search, as CUDA itself counts it."""

from __future__ import annotations

import statistics
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.cuda.tiny_trainings import tiny

pytestmark = pytest.mark.cuda

NAMES = ("cells", "auto-encoders, centre")
# Losses and the norm of the gradient are read at once, and the losses of theta; two to spare.
# CUDA does not count copies from ordinary memory: those are in the tests on the stand-in device.
MOST = 4


@contextmanager
def waits(device: str) -> Iterator[list[warnings.WarningMessage]]:
    """Within it, each operation for which the host waits is added to a list, with its place."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("warn")
        try:
            yield said
        finally:
            if device == "cuda":
                torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_a_search_waits_seldom(name: str, device: str, tmp_path: Path) -> None:
    experiment = tiny(name, device, "search.steps=8")
    ends: list[int] = []
    with waits(device) as said:
        experiment.search(tmp_path / "run", lambda progress: ends.append(len(said)))
    assert len(ends) == 8
    # There is a checkpoint after the first step; the search as a whole begins and ends with others.
    steps = [said[a:b] for a, b in pairwise(ends[1:])]
    places = Counter(
        f"{each.filename}:{each.lineno}"
        for step in steps
        for each in step
        if "synchronizing CUDA operation" in str(each.message)
    )
    print(
        "\n".join(f"{count / len(steps):6.1f} a step, {place}" for place, count in places.items())
    )
    in_step = [sum("synchronizing" in str(each.message) for each in step) for step in steps]
    assert statistics.median(in_step) <= MOST, places.most_common(12)
