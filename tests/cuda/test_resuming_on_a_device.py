"""A training that is stopped and resumed on a device, and one that does not fit into its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pdas.resume.signals import StoppedError
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import OutOfMemoryError
from tests.conftest import without_times
from tests.cuda.tiny_trainings import tiny
from tests.waiting import stop_at

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("name", ["cells", "auto-encoders, centre"])
def test_a_resumed_run_is_the_same_to_the_last_bit(
    name: str, precision: str, device: str, tmp_path: Path
) -> None:
    if device == "cpu" and precision != "32-true":
        pytest.skip("other tests show this on the CPU")
    settings = ("device.deterministic=true", f"device.precision={precision}")
    whole, stopped = (tiny(name, device, *settings) for _ in range(2))
    expected = whole.retrain(whole.search(tmp_path / "whole"))
    out = tmp_path / "stopped"
    with pytest.raises(StoppedError):
        stopped.search(out, stop_at(1))
    run = stopped.search(out, resume=True)
    with pytest.raises(StoppedError):
        stopped.retrain(run, stop_at(1))
    found = stopped.retrain(run, resume=True)
    weights = [each.path / "weights.safetensors" for each in (found, expected)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    results = [without_times(each.read_json("result.json")) for each in (found, expected)]
    assert results[0] == results[1]


@pytest.fixture
def take_memory(device: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Takes the memory of the device away until the end of the test."""
    taken: list[Tensor] = []

    def fail(*arguments: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def take() -> None:
        if device == "cpu":
            monkeypatch.setattr(CellSupernet, "forward_many", fail)
            return
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(0.0)
        for size in (2**20, 2**14, 2**9):  # and what the allocator of torch holds
            with suppress(torch.OutOfMemoryError):
                while True:
                    taken.append(torch.empty(size, dtype=torch.uint8, device=device))

    yield take
    if device == "cuda":
        taken.clear()
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_step_that_does_not_fit_is_one_line(
    device: str, take_memory: Callable[[], None], tmp_path: Path
) -> None:
    experiment = tiny("cells", device)

    def after_two_steps(progress: Any) -> None:
        if progress.step == 2:
            take_memory()

    words = "memory: (step 3 with a batch of 8|the next batch) does not fit"
    with pytest.raises(OutOfMemoryError, match=words) as error:
        experiment.search(tmp_path / "run", after_two_steps)
    assert "\n" not in str(error.value)
