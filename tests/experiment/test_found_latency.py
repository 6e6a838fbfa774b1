"""The latency of a retrained network, by a clock that the network itself sets forward; what it
multiplies, by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas import recipes
from pdas.distributed.devices import open_fabric
from pdas.experiment.latency import (
    found_latency,
    found_multiply_adds,
    keep_latencies,
    latencies_of,
    typical,
)
from pdas.nn.counting import timing
from pdas.nn.counting.latencies import Latencies
from pdas.runs.run import Run
from pdas.support.errors import PdasWarning, RunError

LATENCIES = Latencies(1.5, {"op": [0.0, 2.0]}, [(3.0, 4.0)], "cpu", 2, "(1, 3)")


class Slow(nn.Module):
    """Takes a millisecond for each input, and now and then ten times as long."""

    now, calls = 0.0, 0

    def forward(self, x: Tensor) -> Tensor:
        assert not self.training and not torch.is_grad_enabled()
        self.calls += 1
        self.now += 1e-3 * len(x) * (10 if self.calls % 10 == 0 else 1)
        return x


def test_it_is_that_of_one_input_and_of_what_a_device_is_given_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = recipes.load("digits", ["retrain.batch_size=48", "retrain.accumulate=4"])
    network = Slow()
    monkeypatch.setattr(timing, "perf_counter", lambda: network.now)
    found = found_latency(network, torch.zeros(1, 1, 8, 8), recipe, open_fabric(recipe.device))
    assert set(found) == {"latency", "latency_p95", "batch_latency", "batch_latency_p95"}
    assert found["latency"] == pytest.approx(1.0)
    assert found["batch_latency"] == pytest.approx(12.0)
    assert found["latency_p95"] == pytest.approx(10.0)
    assert network.training


def multiply_adds(network: nn.Module, example: Tensor) -> dict[str, int]:
    return found_multiply_adds(network, example, open_fabric(recipes.load("digits").device))


def test_multiply_adds_are_of_one_input_and_leave_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, groups=1), nn.BatchNorm2d(4), nn.Flatten())
    network.append(nn.Linear(4 * 6 * 6, 5))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = multiply_adds(network, torch.zeros(1, 3, 8, 8))
    assert found == {"multiply_adds": 4 * 6 * 6 * (3 * 3 * 3) + 4 * 6 * 6 * 5}
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_what_nobody_can_count_is_a_warning_and_no_number() -> None:
    class Solving(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.solve(x.mT @ x + torch.eye(3), x.mT)

    class Shy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if torch.utils._python_dispatch._get_current_dispatch_mode() is not None:
                raise RuntimeError("seen")
            return x

    with pytest.warns(PdasWarning, match=r"^multiply_adds: found aten::\w*solve\w*, which may"):
        assert multiply_adds(Solving(), torch.zeros(1, 4, 3)) == {}
    with pytest.warns(PdasWarning, match=r"cannot be counted \(.*seen\), expected"):
        assert multiply_adds(Shy(), torch.zeros(1, 4, 3)) == {}


def test_the_percentile_is_that_of_all_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(np.repeat(np.arange(1.0, 1000.0), 2))
    clock = [0.0]

    class Slower(nn.Module):
        def forward(self, x: Any) -> Any:
            clock[0] += float(next(times)) / 1e5

    monkeypatch.setattr(timing, "perf_counter", lambda: clock[0])
    spread = timing.Stopwatch((torch.ones(1),), {}).spread(Slower())
    assert spread.median < spread.p95 < 100 / 100


def test_inputs_are_like_an_example() -> None:
    x = typical(torch.zeros(1, 3, 4, dtype=torch.float64), 5)
    assert x.shape == (5, 3, 4) and x.dtype == torch.float64
    assert 0 <= x.min() < 0.2 and 0.8 < x.max() < 1
    assert torch.equal(typical(torch.tensor([[7, 8]]), 2), torch.tensor([[7, 8], [7, 8]]))


def test_a_search_that_is_resumed_has_the_latencies_it_began_with(tmp_path: Path) -> None:
    fabric = open_fabric(recipes.load("digits").device)
    assert latencies_of(tmp_path, fabric, lambda: LATENCIES) == LATENCIES
    keep_latencies(Run(tmp_path), LATENCIES)

    def never() -> Any:
        raise AssertionError("they are read")

    assert latencies_of(tmp_path, fabric, never) == LATENCIES
    Run(tmp_path).write_json("latency.json", {"constant": 0.1, "rows": [[0.0]]})  # in seconds
    with pytest.raises(RunError, match=r"latency\.json: damaged \('unit'\)"):
        latencies_of(tmp_path, fabric, never)
