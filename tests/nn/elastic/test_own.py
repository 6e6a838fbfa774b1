"""A layer of one's own: what it says of its weights is enough for everything else."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import pdas.nn as P
from pdas.nn import Supernet, Value
from tests.nn.choice_helpers import every


class PlainScale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.factor = nn.Parameter(torch.empty(width))
        self.register_buffer("shift", torch.zeros(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.factor)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.shift


class Scale(P.Elastic):
    kind = PlainScale

    def __init__(self, width: P.Value) -> None:
        super().__init__()
        self.width = width
        self.add_weight("factor", torch.rand(P.widest(width)), width)
        self.add_buffer("shift", torch.arange(float(P.widest(width))), width)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.shift

    @staticmethod
    def arguments(layer: nn.Module) -> dict[str, object]:
        return {"width": layer.width}


def network() -> nn.Module:
    width = Value("width", [2, 5])
    return nn.Sequential(P.Linear(3, width), Scale(width), Scale(width), P.Linear(width, 2))


def test_it_is_derived_counted_tied_and_loaded() -> None:
    module = network()
    module[2].factor = module[1].factor
    net = Supernet(module)
    cost, x = net.cost("parameters"), torch.randn(4, 3)
    net.check(x)
    for architecture in every(net):
        derived = net.derive(architecture, keep_weights=True)
        assert type(derived[1]) is PlainScale
        assert derived[1].factor is derived[2].factor
        assert cost(architecture) == sum(w.numel() for w in derived.parameters())
        assert torch.equal(net(x, architecture), derived(x))
        net.derive(architecture)


def test_it_is_made_of_a_plain_one() -> None:
    plain = PlainScale(5)
    net = Supernet(Scale.of(plain, width=Value("width", [2, 5])))
    x = torch.randn(4, 5)
    assert torch.equal(net(x, net.space.architecture({"width": 5})), plain(x))
    assert net.module.state_dict().keys() == plain.state_dict().keys()
    before = net.module.state_dict()["factor"]
    net.module.reset_parameters()
    assert not torch.equal(net.module.state_dict()["factor"], before)
