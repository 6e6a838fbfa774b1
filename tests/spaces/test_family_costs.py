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


@pytest.mark.parametrize("net", [CELLS, CHAIN])
def test_a_latency_is_that_of_the_derived_network(
    net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that counts calls of layers; it is exact next to the base."""
    calls = 0

    def count(module: Any, inputs: Any) -> None:
        nonlocal calls
        calls += not list(module.children())

    def calls_of(architecture: Any) -> int:
        size = {"size": (8, 8)} if net is CHAIN else {}
        network, before = net.derive(architecture, **size).eval(), calls
        network(X)
        return calls - before

    monkeypatch.setattr(room, "perf_counter", lambda: float(calls))
    with torch.nn.modules.module.register_module_forward_pre_hook(count):
        cost = net.cost("latency", X)
        base = net.space.architecture([0] * len(net.space))
        assert cost(base) == calls_of(base) > 0
        for position, size in enumerate(net.space.sizes):
            for category in range(size):
                other = base.replaced(position, category)
                used = net.active(other)[position] if hasattr(net, "active") else True
                if used and net is CELLS:
                    assert cost(other) == calls_of(other)
                assert np.isfinite(cost(other))


@pytest.mark.parametrize("net", [CELLS, CHAIN])
def test_a_latency_needs_images(net: Any) -> None:
    with pytest.raises(SettingError, match=r"^cost: found no images for 'latency', expected an ex"):
        net.cost("latency")
