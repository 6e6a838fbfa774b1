"""Tables and latencies as costs of the shipped supernets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pdas.nn.counting import timing as room
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError

CELLS = CellSupernet(nodes=2, cells_per_stage=1, channels=2)
CHAIN = AutoencoderSupernet(layers=3, level_back=2, kernels=(1, 3), channels=(2, 4))
X = torch.randn(2, 3, 8, 8)


@pytest.mark.parametrize("net", [CELLS, CHAIN])
def test_a_table_counts_what_is_in_use(net: Any) -> None:
    rng = np.random.default_rng(0)
    numbers = [rng.integers(1, 9, size).astype(float) for size in net.space.sizes]
    table = {
        n: dict(zip(net.space[n], row, strict=True))
        for n, row in zip(net.space, numbers, strict=True)
    }
    cost = net.cost(table)
    for _ in range(20):
        architecture = net.space.uniform(rng)
        each = np.array([row[i] for row, i in zip(numbers, architecture.indices, strict=True)])
        used = net.active(architecture) if hasattr(net, "active") else np.full(len(each), True)
        assert cost(architecture) == each[used].sum()


@pytest.mark.filterwarnings("ignore:latency. found sums that are off")  # as these networks are
@pytest.mark.parametrize("net", [CELLS, CHAIN])
def test_a_latency_is_that_of_the_derived_network(
    net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that counts calls of layers: near it, and right on average."""
    calls = 0

    def count(module: Any, inputs: Any) -> None:
        nonlocal calls
        calls += not list(module.children())

    def calls_of(architecture: Any) -> int:
        size = {"size": (8, 8)} if net is CHAIN else {}
        network, before = net.derive(architecture, **size).eval(), calls
        network(X)
        return calls - before

    rng = np.random.default_rng(0)
    monkeypatch.setattr(room, "perf_counter", lambda: float(calls))
    with torch.nn.modules.module.register_module_forward_pre_hook(count):
        cost = net.cost("latency", X, minutes=1e9)
        drawn = [net.space.uniform(rng) for _ in range(40)]
        sums, counts = [cost(a) / 1000 for a in drawn], [calls_of(a) for a in drawn]
    assert np.mean(sums) == pytest.approx(np.mean(counts), rel=0.15)
    assert np.corrcoef(sums, counts)[0, 1] > 0.5
    off = np.abs(np.subtract(sums, counts)).sum() / np.sum(counts)
    assert off < 0.35 and abs(off - cost.error) < 0.2


@pytest.mark.parametrize("net", [CELLS, CHAIN])
def test_only_a_latency_is_measured(net: Any) -> None:
    with pytest.raises(SettingError, match=r"^runs: found it with 'parameters', expected it with "):
        net.cost("parameters", runs=3)


@pytest.mark.parametrize("net", [CELLS, CHAIN])
def test_a_latency_needs_images(net: Any) -> None:
    with pytest.raises(SettingError, match=r"^cost: found no images for 'latency', expected an ex"):
        net.cost("latency")
