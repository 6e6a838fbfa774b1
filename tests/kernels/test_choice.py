from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.utils.flop_counter import FlopCounterMode

from pdas.kernels import WithKernels, choose_kernels
from pdas.kernels.conditions import serves, unchanged
from pdas.kernels.library import Library

CPU = torch.device("cpu")


class Block(nn.Identity, WithKernels):
    pass


def test_auto_takes_the_library_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Library(origin="wheel", instructions="avx2")
    monkeypatch.setattr("pdas.kernels.library.library", lambda: loaded)
    network = nn.Sequential(Block(), nn.Sequential(Block()))
    kernels = choose_kernels(network, "auto", CPU)
    assert str(kernels) == "compiled (avx2, wheel)"
    assert network[0].use_kernels and network[1][0].use_kernels
    assert copy.deepcopy(network)[0].use_kernels
    assert not Block().use_kernels  # of the network, not of the class


@pytest.mark.parametrize(
    ("setting", "device", "said"),
    [
        ("library", "cpu", "library (as set)"),
        ("auto", "cuda", "library (the device is cuda)"),
        ("auto", "cpu", "library (there is no C++ compiler)"),
    ],
)
def test_otherwise_the_line_says_why_not(
    setting: Any, device: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Library(missing="there is no C++ compiler")
    monkeypatch.setattr("pdas.kernels.library.library", lambda: none)
    network = nn.Sequential(Block())
    network[0].use_kernels = True
    assert str(choose_kernels(network, setting, torch.device(device))) == said
    assert not network[0].use_kernels


def test_a_network_without_such_blocks_has_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdas.kernels.library.library", lambda: 1 / 0)
    assert choose_kernels(nn.Linear(2, 3), "auto", CPU) is None


def test_maps_of_float_on_the_cpu_are_served() -> None:
    x = torch.rand(2, 3, 4, 4)
    assert serves(x) and serves(x.double(), None, x.double())
    assert serves(nn.Parameter(x), x[:, :, ::2])


class Own(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(2, 3, 4),
        torch.rand(0, 3, 4, 4),
        torch.rand(2, 3, 4, 4).bfloat16(),
        torch.rand(2, 3, 4, 4, device="meta"),
        torch.rand(2, 3, 4, 4).as_subclass(Own),
    ],
    ids=["three dimensions", "empty", "bfloat16", "meta", "subclass"],
)
def test_other_tensors_are_not(x: torch.Tensor) -> None:
    assert not serves(x)


def test_tensors_of_two_types_are_not() -> None:
    x = torch.rand(2, 3, 4, 4)
    assert not serves(x, x.double())


@pytest.mark.parametrize(
    "within",
    [
        lambda: torch.autocast("cpu", torch.bfloat16),
        lambda: FlopCounterMode(display=False),
        forward_ad.dual_level,
    ],
)
def test_nothing_is_where_single_operations_are_looked_at(within: Callable[[], Any]) -> None:
    x = torch.rand(2, 3, 4, 4)
    with within():
        assert not serves(x)
    assert serves(x)


def test_nothing_is_under_transformations_of_functions() -> None:
    seen = []

    def function(x: torch.Tensor) -> torch.Tensor:
        seen.append(serves(x))
        return x.sum()

    torch.func.vmap(function)(torch.rand(5, 2, 3, 4, 4))
    torch.func.grad(function)(torch.rand(2, 3, 4, 4))
    assert seen == [False, False]


def test_modules_with_hooks_or_of_other_classes_are_called() -> None:
    conv = nn.Conv2d(3, 3, 1)
    assert unchanged((conv, nn.Conv2d))
    assert not unchanged((nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1)), nn.Conv2d))
    hook = conv.register_forward_hook(lambda *_: None)
    assert not unchanged((conv, nn.Conv2d))
    hook.remove()
    assert unchanged((conv, nn.Conv2d))
    hook = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert not unchanged((conv, nn.Conv2d))
    hook.remove()
