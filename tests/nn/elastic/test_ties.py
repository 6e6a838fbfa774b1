"""Weights that are one in the supernet are one in its cost and in the derived network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import pdas.nn as P
from pdas.nn import Supernet, Value
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every


def value() -> Value:
    return Value("width", [2, 4, 8])


class Two(nn.Module):
    """Two layers, some of whose weights are one."""

    def __init__(self, first: nn.Module, second: nn.Module, *names: str) -> None:
        super().__init__()
        self.first, self.second = first, second
        for name in names:
            setattr(second, name, getattr(first, name))

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x).sum() + self.second(x).sum()


def linear() -> Two:
    width = value()
    return Two(P.Linear(8, width), P.Linear(8, width, bias=False), "weight")


def conv() -> Two:
    width = value()
    return Two(P.Conv2d(3, width, 3), P.Conv2d(3, width, 3), "weight", "bias")


def bias() -> Two:
    width = value()
    return Two(P.Linear(8, width), P.Linear(8, width), "bias")


def norms() -> Two:
    width = value()
    return Two(P.LayerNorm(width), P.LayerNorm(width), "weight")


def plain_and_elastic() -> Two:
    """A weight without a chosen width, which a plain layer has as well."""
    plain = nn.Linear(4, 6)
    layer = P.Linear(4, 6)
    layer.weight = plain.weight
    choice = P.Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    return Two(nn.Sequential(plain, choice), layer)


CASES: dict[str, tuple[Callable[[], Two], tuple[int, ...]]] = {
    "linear": (linear, (8,)),
    "conv": (conv, (1, 3, 5, 5)),
    "bias": (bias, (8,)),
    "norms": (norms, (8,)),
    "a plain layer": (plain_and_elastic, (4,)),
}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_ties_are_kept(name: str, keep: bool) -> None:
    make, shape = CASES[name]
    net = Supernet(make())
    cost = net.cost("parameters")
    for architecture in every(net):
        network = net.derive(architecture, keep_weights=keep)
        both = [w for w in network.state_dict(keep_vars=True).values()]
        assert cost(architecture) == sum(w.numel() for w in network.parameters())
        assert len(both) > len(list(network.parameters()))
        if keep and name != "norms":
            x = torch.randn(*shape)
            assert torch.equal(net(x, architecture), network(x))


def test_two_linear_layers_of_one_weight_have_it_once() -> None:
    width = value()
    net = Supernet(Two(P.Linear(8, width), P.Linear(8, width), "weight"))
    architecture = net.space.architecture({"width": 8})
    network = net.derive(architecture)
    assert network.first.weight is network.second.weight
    assert network.first.bias is not network.second.bias
    assert net.cost("parameters")(architecture) == 8 * 8 + 8 + 8


def test_a_tied_weight_learns_from_both_layers() -> None:
    net = Supernet(linear())
    x = torch.randn(3, 8)
    architecture = net.space.architecture({"width": 4})
    net(x, architecture).backward()
    network = net.derive(architecture, keep_weights=True)
    network(x).backward()
    with net._tree.selected(architecture):
        blocks = dict(net.module.first.weights())["weight"].selected_blocks()
    gradients = [block.grad for block in blocks]
    torch.testing.assert_close(torch.cat(gradients), network.first.weight.grad)


def test_a_tie_of_other_widths_is_refused() -> None:
    first, second = P.Linear(8, value()), P.Linear(8, Value("other", [2, 4, 8]))
    with pytest.raises(NetworkError, match=r"Linear.weight: found a weight of \(width, 8\)"):
        second.weight = first.weight
    with pytest.raises(NetworkError, match="expected one of the same widths"):
        second.weight = nn.Linear(8, 8).weight


def test_a_tie_of_some_blocks_is_refused() -> None:
    module = Two(P.Linear(8, value()), P.Linear(8, value()))
    first, second = (m.get_submodule("weight") for m in (module.first, module.second))
    second.from0_0 = first.from0_0
    with pytest.raises(NetworkError, match=r"shares some of its blocks with first\.weight"):
        Supernet(module)
