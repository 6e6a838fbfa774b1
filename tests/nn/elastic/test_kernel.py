"""A smaller kernel is the centre of the largest."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every


@pytest.mark.parametrize(("plain", "elastic"), [(nn.Conv1d, P.Conv1d), (nn.Conv2d, P.Conv2d)])
def test_it_is_the_centre_of_the_weight_of_a_trained_layer(
    plain: type[nn.Module], elastic: type[P.Elastic]
) -> None:
    layer = plain(2, 4, 7, padding=3)
    net = Supernet(elastic.of(layer, kernel_size=Value("kernel", [3, 5, 7])))
    assert torch.equal(net.module.state_dict()["weight"], layer.weight)
    x = torch.randn(2, 2, *[9] * (layer.weight.dim() - 2))
    for size in (3, 5, 7):
        cut = slice((7 - size) // 2, (7 + size) // 2)
        centre = layer.weight[(slice(None), slice(None), *[cut] * (layer.weight.dim() - 2))]
        expected = plain(2, 4, size, padding=size // 2)
        expected.load_state_dict({"weight": centre, "bias": layer.bias})
        architecture = net.space.architecture({"kernel": size})
        assert torch.equal(net(x, architecture), expected(x))
        derived = net.derive(architecture, keep_weights=True)
        assert repr(derived) == repr(expected)
        assert torch.equal(derived.weight, centre)
        assert net.cost("parameters")(architecture) == expected.weight.numel() + 4


def test_a_small_kernel_leaves_the_rest_as_it_is() -> None:
    net = Supernet(P.Conv2d(1, 1, Value("kernel", [1, 3]), padding=1, bias=False))
    before = copy.deepcopy(net.module.state_dict()["weight"])
    optimizer = torch.optim.AdamW(net.parameters(), 0.1)
    net(torch.ones(1, 1, 3, 3), net.space.architecture({"kernel": 1})).sum().backward()
    optimizer.step()
    changed = net.module.state_dict()["weight"] != before
    assert changed.nonzero().tolist() == [[0, 0, 1, 1]]


def test_multiply_adds_are_those_of_the_kernel() -> None:
    net = Supernet(P.Conv2d(2, Value("width", [1, 3]), Value("kernel", [1, 3]), padding=1))
    cost = net.cost("multiply_adds", torch.ones(1, 2, 5, 5))
    for width, kernel in ((1, 1), (1, 3), (3, 1), (3, 3)):
        architecture = net.space.architecture({"width": width, "kernel": kernel})
        assert cost(architecture) == 25 * 2 * width * kernel**2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda k: P.Conv2d(1, 1, k([2, 3]), padding=1), "a Value of odd numbers, or of even ones"),
        (lambda k: P.Conv2d(1, 1, 2 * k([1, 3]), padding=9), "a Value of odd numbers"),
        (lambda k: P.Conv2d(1, 1, k([3, 5])), r"found padding = 0 with kernels of \[3, 5\]"),
        (lambda k: P.Conv2d(1, 1, k([3, 5]), padding=1, dilation=2), "expected at least 2"),
        (lambda k: P.Conv2d(1, 1, k([1, 3]), 1, 1, padding_mode="reflect"), "expected 'zeros'"),
    ],
)
def test_kernels_that_cannot_be_are_named(
    make: Callable[[Callable[[list[int]], Value]], nn.Module], message: str
) -> None:
    with pytest.raises(NetworkError, match=message):
        make(lambda sizes: Value("kernel", sizes))


def test_it_comes_back_from_the_meta_device() -> None:
    def made() -> Supernet:
        return Supernet(P.Conv2d(1, 2, Value("kernel", [1, 3, 5]), padding=2))

    net, x = made(), torch.randn(1, 1, 6, 6)
    emptied = copy.deepcopy(net).to("meta").to_empty(device="cpu")
    emptied.load_state_dict(net.state_dict())
    with torch.device("meta"):
        assigned = made()
    assigned.load_state_dict(net.state_dict(), assign=True)
    for architecture in every(net):
        expected = net(x, architecture)
        for other in (emptied, assigned):
            assert torch.equal(other(x, architecture), expected)
            derived = other.derive(architecture, keep_weights=True)
            assert torch.equal(derived(x), expected)
            other.derive(architecture)(x)
