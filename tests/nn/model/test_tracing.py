"""Where channels arrive and which widths agree, in models that are small enough to see it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pdas.nn.model.groups import Groups, Part, groups_of
from pdas.nn.model.tracing import OUTPUT, trace


class Ways(nn.Module):
    """A sum, a concatenation with the input, a flattening, a gate and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.left, self.right = nn.Conv2d(6, 4, 1), nn.Conv2d(6, 4, 1)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.gate = nn.Conv2d(4, 4, 1)
        self.joined = nn.Conv2d(6 + 3 + 4, 5, 1)
        self.hidden, self.last = nn.Linear(5 * 4, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.stem(x)).relu_()
        z = self.depthwise(self.left(y)) + self.right(y)
        z = z * self.gate(z.mean((2, 3), keepdim=True)).sigmoid()
        joined = self.joined(torch.cat([y, x, z], 1))
        return self.last(torch.relu(self.hidden(joined.flatten(1))))


def of_ways() -> Groups:
    model = Ways().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    groups = groups_of(trace(model, (torch.randn(2, 3, 2, 2),), {}))
    assert model.training
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert not any("forward" in vars(module) for module in model.modules())
    return groups


def test_sums_gates_and_depthwise_convolutions_have_one_width() -> None:
    groups = of_ways()
    assert [set(group.members) for group in groups.all()] == [
        {"stem"},
        {"left", "right", "gate"},
        {"joined"},
        {"hidden"},
        {"last"},
    ]


def test_parts_are_in_the_order_of_the_channels() -> None:
    groups = of_ways()
    assert groups.inputs["joined"] == [Part("stem", 1, 6), Part(None, 1, 3), Part("left", 1, 4)]
    assert groups.inputs["hidden"] == [Part("joined", 4, 20)]
    assert groups.inputs["stem"] == [Part(None, 1, 3)]
    assert groups.outputs["depthwise"] == [Part("left", 1, 4)]


def test_outputs_of_the_model_stay() -> None:
    groups = of_ways()
    assert groups.of("last").fixed == "its channels are an output of the model"
    assert not any(group.fixed for group in groups.all() if "last" not in group.members)


def test_arrivals_are_channels() -> None:
    found = trace(Ways(), (torch.randn(2, 3, 2, 2),), {}).arrivals
    assert found["joined"] == {
        "hidden": {c: list(range(4 * c, 4 * c + 4)) for c in (0, 1, 4)},
    }
    assert found["last"] == {OUTPUT: {0: [0], 1: [1]}}


class Attention(nn.Module):
    """Queries of four heads that read keys and values of two."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(5, 12), nn.Linear(5, 6), nn.Linear(5, 6)
        self.out = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (f(x).unflatten(-1, (-1, 3)).transpose(1, 2) for f in (self.q, self.k, self.v))
        k, v = (y.repeat_interleave(2, 1) for y in (k, v))
        heads = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(heads.transpose(1, 2).flatten(2))


def test_heads_are_units() -> None:
    groups = groups_of(trace(Attention(), (torch.randn(2, 7, 5),), {}))
    group = groups.of("q")
    assert (group.members, group.units, group.heads) == ({"q": 12, "k": 6, "v": 6}, 2, True)
    assert groups.inputs["out"] == [Part("q", 1, 12)]


class Shuffled(nn.Module):
    """Channels that change their places between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).view(-1, 2, 4).transpose(1, 2).flatten(1))


def test_shuffled_channels_stay() -> None:
    groups = groups_of(trace(Shuffled(), (torch.randn(5, 3),), {}))
    assert groups.of("first").fixed == "its channels are mixed on the way to second"


@pytest.mark.parametrize(("groups", "units"), [(2, 2), (4, 4)])
def test_grouped_convolutions_and_group_norms_have_units(groups: int, units: int) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1, groups=groups), nn.Conv2d(8, 2, 1))
    found = groups_of(trace(model, (torch.randn(1, 3, 2, 2),), {}))
    assert (found.of("0").members, found.of("0").units) == ({"1": 8, "0": 8}, units)
    norm = nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(groups, 8), nn.Conv2d(8, 2, 1))
    found = groups_of(trace(norm, (torch.randn(1, 3, 2, 2),), {}))
    assert found.of("0").units == 8 // groups
