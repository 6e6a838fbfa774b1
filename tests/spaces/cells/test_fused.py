"""Blocks with compiled operators against the same blocks without."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.kernels import choose_kernels
from pdas.spaces.cells import fused
from pdas.spaces.cells.operations import (
    OPERATIONS,
    ReLUConvNorm,
    affine_batch_norm,
    batch_statistics,
)
from pdas.spaces.cells.supernet import CellSupernet
from tests.kernels.compiled import is_compiled, need_library, worst

CPU = torch.device("cpu")
NORMS = [batch_statistics, affine_batch_norm]


@pytest.fixture(autouse=True)
def _library() -> Iterator[None]:
    need_library()
    torch.manual_seed(0)
    yield


def both(block: nn.Module) -> tuple[nn.Module, nn.Module]:
    """A block without compiled operators, and its copy with them."""
    block = block.double()
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.affine:
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    other = copy.deepcopy(block)
    choose_kernels(other, "auto", CPU)
    return block, other


def results(net: nn.Module, *inputs: Any) -> dict[str, Tensor]:
    """Outputs, gradients and buffers after a call."""
    net.zero_grad()
    x = inputs[0].detach().requires_grad_()
    out = net(x, *inputs[1:])
    weights = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).reshape(out.shape)
    (weights * out).sum().backward()
    gradients = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    return {"out": out, "x": x.grad, **gradients, **{n: b.double() for n, b in net.named_buffers()}}


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert worst(found[name], value) < 1e-10, name


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_the_same(name: str, stride: int, norm: Any, training: bool) -> None:
    block, compiled = both(OPERATIONS[name](6, stride, norm))
    block.train(training)
    compiled.train(training)
    for _ in range(2):  # the second time from the running statistics of the first
        x = torch.randn(5, 6, 7, 6, dtype=torch.float64)
        assert_same(results(compiled, x), results(block, x))


@pytest.mark.parametrize(
    ("name", "stride"), [("sep_conv_3x3", 1), ("sep_conv_5x5", 2), ("identity", 2)]
)
def test_factors_of_samples_cost_no_pass_over_the_map(name: str, stride: int) -> None:
    block, compiled = both(OPERATIONS[name](6, stride, affine_batch_norm))
    x = torch.randn(3, 6, 5, 5, dtype=torch.float64)
    factor = torch.tensor([0.0, 1.5, 1.5], dtype=torch.float64).reshape(3, 1, 1, 1)
    assert_same(results(compiled, x, factor), results(block, x, factor))
    assert is_compiled(compiled(x, factor))
    assert worst(block(x, factor), block(x) * factor) < 1e-12


@pytest.mark.parametrize("momentum", [None, 0.3])
def test_running_statistics_are_those_of_torch(momentum: float | None) -> None:
    block = ReLUConvNorm(3, 5, affine_batch_norm)
    block[2].momentum = momentum
    block, compiled = both(block)
    for _ in range(3):
        x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
        assert_same(results(compiled, x), results(block, x))


def test_it_is_the_operator_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 6, 5, 5)
    for name in OPERATIONS:
        operation = OPERATIONS[name](6, 2, batch_statistics)
        plain = operation(x)
        choose_kernels(operation, "auto", CPU)
        assert is_compiled(operation(x.requires_grad_())), name
        assert not is_compiled(plain)


def test_what_looks_at_operations_or_modules_gets_those_of_torch() -> None:
    operation = OPERATIONS["sep_conv_3x3"](6, 1, batch_statistics)
    choose_kernels(operation, "auto", CPU)
    x = torch.randn(2, 6, 5, 5)
    program = torch.export.export(operation, (x,))
    assert "pdas" not in str(program.graph)
    seen: list[Any] = []
    compiled = torch.compile(operation, backend="eager", fullgraph=True)
    assert not is_compiled(compiled(x))
    handle = operation[2].register_forward_hook(lambda *_: seen.append(1))
    assert not is_compiled(operation(x))
    assert seen == [1]
    handle.remove()
    assert is_compiled(operation(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_compiled(operation(x))


def test_changed_modules_run_as_they_are() -> None:
    """As somebody may change them in a network that is there."""
    x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    block, compiled = both(OPERATIONS["sep_conv_3x3"](6, 1, affine_batch_norm))
    for changed in (block, compiled):
        changed[3].num_batches_tracked = None
    assert_same(results(compiled, x), results(block, x))
    bias = nn.Parameter(torch.ones(6, dtype=torch.float64))
    for changed in (block, compiled):
        changed[2].bias = bias
        changed.eval()
    assert_same(results(compiled, x), results(block, x))
    compiled[2].bias = None
    usual, seen = compiled[3].forward, []
    compiled[3].forward = lambda x: (seen.append(x), usual(x))[1]
    compiled(x)
    assert len(seen) == 1


def test_hooks_on_all_modules_are_called() -> None:
    block = ReLUConvNorm(6, 4, batch_statistics)
    choose_kernels(block, "auto", CPU)
    seen = []
    handle = nn.modules.module.register_module_full_backward_hook(
        lambda module, *_: seen.append(type(module))
    )
    try:
        block(torch.randn(2, 6, 5, 5, requires_grad=True)).sum().backward()
    finally:
        handle.remove()
    assert seen.count(nn.BatchNorm2d) == 1


@pytest.mark.parametrize("name", ["avg_pool_3x3", "max_pool_3x3"])
def test_torch_fx_can_trace_a_block(name: str) -> None:
    operation = OPERATIONS[name](6, 1, batch_statistics)
    choose_kernels(operation, "auto", CPU)
    x = torch.randn(2, 6, 5, 5)
    assert worst(torch.fx.symbolic_trace(operation)(x), operation(x)) < 1e-5


def test_one_value_a_channel_is_the_error_of_torch() -> None:
    block = OPERATIONS["sep_conv_3x3"](6, 2, affine_batch_norm)
    choose_kernels(block, "auto", CPU)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        block(torch.randn(1, 6, 2, 1))
    assert block.eval()(torch.randn(1, 6, 2, 1)).shape == (1, 6, 1, 1)


def test_an_empty_batch_is_as_in_torch() -> None:
    operation = OPERATIONS["max_pool_3x3"](6, 1, batch_statistics)
    choose_kernels(operation, "auto", CPU)
    assert operation(torch.randn(0, 6, 4, 4)).shape == (0, 6, 4, 4)
    assert fused.max_pool(torch.randn(0, 6, 4, 4), 1) is None


def test_supernets_agree_on_several_architectures() -> None:
    torch.manual_seed(1)
    net, compiled = both(CellSupernet(nodes=3, channels=6, cells_per_stage=1, in_channels=2))
    rng = np.random.default_rng(0)
    x = torch.randn(4, 2, 10, 9, dtype=torch.float64)
    for _ in range(3):
        pair = [net.space.uniform(rng) for _ in range(2)]
        found = []
        for each in (net, compiled):
            each.zero_grad(set_to_none=True)
            logits = torch.stack(each.forward_many(x, pair))
            logits.pow(3).sum().backward()
            gradients = {n: p.grad for n, p in each.named_parameters() if p.grad is not None}
            found.append({"logits": logits, **gradients})
        assert_same(found[1], found[0])


@pytest.mark.parametrize("kind", ["edges", "variables"])
def test_mixed_supernets_agree_and_use_them(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net, compiled = both(CellSupernet(nodes=2, channels=6, cells_per_stage=1))
    relaxation = net.relaxation(kind)
    logits = torch.linspace(-1, 1, relaxation.size, dtype=torch.float64)
    x = torch.randn(4, 3, 9, 8, dtype=torch.float64)
    seen, usual = [], fused.separable
    monkeypatch.setattr(fused, "separable", lambda *a: (seen.append(usual(*a)), seen[-1])[1])
    found = []
    for each in (net, compiled):
        out = each.forward_mixed(x, coefficients=relaxation.coefficients(logits))
        out.pow(3).sum().backward()
        found.append({"out": out, **{n: p.grad for n, p in each.named_parameters()}})
    assert_same(found[1], found[0])
    assert seen and not any(result is None for result in seen)


@pytest.mark.parametrize("training", [True, False])
def test_derived_networks_agree(training: bool) -> None:
    supernet = CellSupernet(nodes=3, channels=6, cells_per_stage=1)
    rng = np.random.default_rng(1)
    for _ in range(2):
        network = supernet.derive(supernet.space.uniform(rng), auxiliary=True)
        network.drop_path = 0.3
        plain, compiled = both(network)
        x = torch.randn(4, 3, 9, 8, dtype=torch.float64)
        found = []
        for each in (plain, compiled):
            each.train(training)
            torch.manual_seed(2)  # of drop path
            found.append(results(each, x))
        assert_same(found[1], found[0])
