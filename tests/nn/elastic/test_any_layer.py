"""Layers of other libraries with chosen widths, against their plain classes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import pdas.nn as P
from pdas.nn import Supernet, Value, with_widths
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import every


class Transposed(nn.Module):
    """A linear layer as of other libraries: `(in, out)`, with its size in an attribute."""

    def __init__(self, nx: int, nf: int) -> None:
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.randn(nx, nf))
        self.bias = nn.Parameter(torch.randn(nf))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight + self.bias).view(*x.shape[:-1], self.nf)


class ScaledNorm(nn.BatchNorm1d):
    """A norm with something of its own in its forward, and a module inside."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.act = nn.Tanh()
        self.scale = 3.0

    def forward(self, x: Tensor) -> Tensor:
        return self.act(super().forward(x)) * self.scale


def network() -> tuple[nn.Module, nn.Module]:
    plain = nn.Sequential(Transposed(4, 6), ScaledNorm(6), Transposed(6, 2)).eval()
    with torch.no_grad():
        plain[1].running_mean.normal_()
        plain[1].running_var.uniform_(1, 2)
    width = Value("width", [2, 6])
    return plain, nn.Sequential(
        with_widths(plain[0], {"weight": [4, width], "bias": [width]}, {"nf": width}),
        with_widths(
            plain[1],
            {name: [width] for name in ("weight", "bias", "running_mean", "running_var")},
            {"num_features": width},
        ),
        with_widths(plain[2], {"weight": [width]}),
    ).eval()


def test_at_full_width_it_is_the_plain_one() -> None:
    plain, module = network()
    net, x = Supernet(module), torch.randn(3, 4)
    assert [isinstance(m, type(p)) for m, p in zip(module, plain, strict=True)] == [True] * 3
    assert torch.equal(net(x, net.largest), plain(x))
    assert module.state_dict().keys() == plain.state_dict().keys()
    other, _ = network()
    module.load_state_dict(other.state_dict())
    assert torch.equal(net(x, net.largest), other(x))
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(copied(x, copied.largest), other(x))


def test_derived_layers_are_of_the_plain_class() -> None:
    plain, module = network()
    net, x = Supernet(module), torch.randn(3, 4)
    cost = net.cost("parameters")
    for architecture in every(net):
        derived = net.derive(architecture, keep_weights=True)
        width = int(architecture["width"])
        assert [type(m) for m in derived] == [type(m) for m in plain]
        assert (derived[0].nf, derived[1].num_features, derived[1].scale) == (width, width, 3.0)
        assert torch.equal(derived[0].weight, plain[0].weight[:, :width])
        assert torch.equal(derived[1].running_mean, plain[1].running_mean[:width])
        assert torch.equal(net(x, architecture), derived(x))
        assert cost(architecture) == sum(w.numel() for w in derived.parameters())
        assert not any(isinstance(m, P.Elastic) for m in derived.modules())
        assert pickle.loads(pickle.dumps(derived))[1].state_dict().keys()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: with_widths(Transposed(4, 6), {"weigth": [4, w]}), "weigth: found no such"),
        (lambda w: with_widths(Transposed(4, 5), {"weight": [4, w]}), r"found \(4, 5\) in Transp"),
        (
            lambda w: with_widths(Transposed(4, 6), {"weight": [4, w]}, {"nx": w}),
            "nx: found None in Transposed, expected 6",
        ),
    ],
)
def test_what_the_layer_does_not_have_is_told(
    make: Callable[[Value], nn.Module], message: str
) -> None:
    with pytest.raises(NetworkError, match=message):
        make(Value("width", [2, 6]))
