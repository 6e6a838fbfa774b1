"""What a device computes: as the CPU, the same twice, and the same in every layout."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.distributed.numerics import determinism, tf32
from pdas.distributed.settings import DeviceSettings
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.operations import OPERATIONS, affine_batch_norm
from pdas.spaces.cells.supernet import CellSupernet
from pdas.spaces.memory_format import Formatted

pytestmark = pytest.mark.cuda

LAYOUTS = (torch.contiguous_format, torch.channels_last)


class Case(NamedTuple):
    """A network, and what it is called with."""

    network: nn.Module
    images: Tensor
    call: Callable[[nn.Module, Tensor], list[Tensor]]


def cells() -> Case:
    net = CellSupernet(nodes=3, cells_per_stage=1, channels=8, classes=3)
    return Case(net, torch.randn(4, 3, 16, 16), forward_many(net))


def derived_cells() -> Case:
    net = CellSupernet(nodes=3, cells_per_stage=1, channels=8, classes=3)
    derived = net.derive(net.space.uniform(np.random.default_rng(0)))
    return Case(derived, torch.randn(4, 3, 16, 16), lambda network, x: [network(x)])


def autoencoders() -> Case:
    net = AutoencoderSupernet(layers=3, level_back=2, channels=(4, 8))
    return Case(net, torch.rand(2, 3, 16, 16), forward_many(net))


def forward_many(net: Any) -> Callable[[Any, Tensor], list[Tensor]]:
    rng = np.random.default_rng(0)
    architectures = [net.space.uniform(rng) for _ in range(3)]
    return lambda network, x: list(network.forward_many(x, architectures))


def operation(name: str) -> Callable[[], Case]:
    def make() -> Case:
        module = OPERATIONS[name](8, 2, affine_batch_norm)
        return Case(module, torch.randn(4, 8, 12, 12), lambda network, x: [network(x)])

    return make


NETWORKS = {"cells": cells, "derived cells": derived_cells, "auto-encoders": autoencoders}
CASES = {**NETWORKS, **{name: operation(name) for name in OPERATIONS}}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    torch.manual_seed(0)
    return CASES[request.param]()


def results(case: Case, device: str, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Outputs and gradients, those of the images last, on the CPU."""
    network = copy.deepcopy(case.network).to(device, dtype).train()
    images = case.images.to(device, dtype).requires_grad_()  # in the layout that they have
    outputs = case.call(network, images)
    # Weighed by place: the mean of what a batch norm gives has no gradient.
    loss = sum(
        (out * torch.linspace(-1, 1, out.numel()).to(out).view_as(out)).sum() for out in outputs
    )
    assert isinstance(loss, Tensor)
    loss.backward()
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    assert images.grad is not None
    return [result.detach().cpu() for result in (*outputs, *gradients, images.grad)]


def check_close(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        scale = float(b.abs().max())
        assert float((a - b).abs().max()) <= tolerance * max(scale, 1e-3)


def test_a_device_computes_what_the_cpu_does(case: Case, device: str) -> None:
    expected = results(case, "cpu", torch.float64)
    check_close(results(case, device, torch.float64), expected, 1e-9)
    with tf32(False):
        found = results(case, device)
    check_close([each.double() for each in found], expected, 1e-3)


def test_gradients_are_the_same_twice_to_the_last_bit(case: Case, device: str) -> None:
    with determinism(DeviceSettings(deterministic=True)):
        first, second = (results(case, device) for _ in range(2))
    assert all(map(torch.equal, first, second))


def test_layouts_give_the_same(case: Case, device: str) -> None:
    found = []
    for layout in LAYOUTS:
        network = copy.deepcopy(case.network)
        if isinstance(network, Formatted):
            network.use_format(layout)
        else:
            network.to(memory_format=layout)
        images = case.images.contiguous(memory_format=layout)
        found.append(results(Case(network, images, case.call), device, torch.float64))
    check_close(*found, 1e-9)
