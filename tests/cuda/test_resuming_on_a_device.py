"""A training that is stopped and resumed on a device, and one that does not fit into its memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pdas.resume.signals import StoppedError
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import OutOfMemoryError
from tests.conftest import without_times
from tests.cuda.tiny_trainings import tiny
from tests.waiting import stop_at

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("name", ["cells", "auto-encoders, pixels"])
def test_a_resumed_run_is_the_same_to_the_last_bit(
    name: str, precision: str, device: str, tmp_path: Path
) -> None:
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
    for stage in (".", "retrain-0"):
        with_times, without_stop = (
            (path / stage / "metrics.csv").read_text().splitlines()
            for path in (out, tmp_path / "whole")
        )
        assert len(with_times) == len(without_stop)
    weights = [each.path / "weights.safetensors" for each in (found, expected)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    results = [without_times(each.read_json("result.json")) for each in (found, expected)]
    assert results[0] == results[1]


@pytest.fixture
def scarce(device: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the memory of the device away."""

    def take() -> None:
        if device == "cpu":

            def fail(*arguments: Any) -> None:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

            monkeypatch.setattr(CellSupernet, "forward_many", fail)
        else:
            torch.cuda.empty_cache()
            torch.cuda.set_per_process_memory_fraction(1e-6)

    return take


@pytest.fixture(autouse=True)
def _memory_is_given_back(device: str) -> Any:
    yield
    if device == "cuda":
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_step_that_does_not_fit_is_one_line(
    device: str, scarce: Callable[[], None], tmp_path: Path
) -> None:
    experiment = tiny("cells", device)

    def take_memory(progress: Any) -> None:
        if progress.step == 2:
            scarce()

    with pytest.raises(
        OutOfMemoryError, match="memory: step 3 with a batch of 8 does not fit"
    ) as error:
        experiment.search(tmp_path / "run", take_memory)
    assert "\n" not in str(error.value)
