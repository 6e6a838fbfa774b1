"""How often the host waits for a GPU in a step of a search, as CUDA itself counts it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from tests.cuda.tiny_trainings import tiny

pytestmark = pytest.mark.cuda

# What a step read and copied before any of it was put together. CUDA does not see all copies.
MOST = {"cells": 27, "auto-encoders, centre": 23}


@contextmanager
def waits(device: str) -> Iterator[Counter[str]]:
    """Within it, counts the operations for which the host waits, by place."""
    found: Counter[str] = Counter()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            if device == "cuda":
                torch.cuda.set_sync_debug_mode("default")
    for each in said:
        if "synchronizing CUDA operation" in str(each.message):
            found[f"{each.filename}:{each.lineno}"] += 1


@pytest.mark.parametrize("name", MOST)
def test_a_step_of_a_search_waits_seldom(name: str, device: str, tmp_path: Path) -> None:
    experiment = tiny(name, device, "search.epochs=null", "search.steps=8")
    steps: list[int] = []
    with waits(device) as found:
        experiment.search(tmp_path / "run", lambda progress: steps.append(progress.step))
    print("\n".join(f"{count:5} {place}" for place, count in found.most_common()))
    # What comes before the first step and after the last is allowed as much as one step.
    assert found.total() <= MOST[name] * (len(steps) + 2), found.most_common(12)
