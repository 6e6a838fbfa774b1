"""Sorted channels: the same function at full width, and slices that keep what matters."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pdas.nn as P
from pdas.nn import Supernet, Value, sort_channels
from pdas.support.errors import NetworkError, SettingError


class Everything(nn.Module):
    """Widths in convolutions, groups, norms, sums, packed projections, recurrent layers, ties."""

    def __init__(self) -> None:
        super().__init__()
        u, v, w = Value("u", [4, 8]), Value("v", [2, 3, 6]), Value("w", [2, 5])
        heads = Value("heads", [1, 2, 3])
        self.left, self.right = P.Conv2d(3, u, 3, padding=1), P.Conv2d(3, v, 1)
        self.group_norm = P.GroupNorm(2, u)
        self.grouped = P.Conv2d(u, 2 * u, 1, groups=4)
        self.depthwise = P.Conv2d(2 * u + v, 2 * u + v, Value("k", [1, 3]), padding=1, groups=1)
        self.norm = P.BatchNorm2d.of(trained_norm(), num_features=2 * u + v)
        self.words = P.Linear(9 * (2 * u + v), w)
        self.attention = P.MultiheadAttention(w, heads, 4, batch_first=True)
        self.lstm = P.LSTM(w, v, batch_first=True, bidirectional=True)
        self.last = P.Linear(v + v, w, bias=False)
        self.table = P.Embedding(7, w)
        self.tied = P.Linear(w, 7, bias=False)
        self.tied.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        left = self.grouped(self.group_norm(self.left(x)).relu())
        y = self.norm(self.depthwise(torch.cat([left, self.right(x)], 1))).relu()
        words = self.words(y.flatten(1))[:, None] + self.table(torch.arange(7))
        words = words + self.attention(words, words, words)[0]
        return self.tied(words + self.last(self.lstm(words)[0]))


def trained_norm() -> nn.Module:
    norm = nn.BatchNorm2d(22)
    norm(2 * torch.randn(4, 22, 3, 3) + 1)
    return norm


def loss(model: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    return model(batch).square().mean()


@pytest.mark.parametrize("by", ["norm", loss])
def test_the_widest_computes_the_same(by: object) -> None:
    net = Supernet(Everything()).double().eval()
    x = torch.randn(5, 3, 3, 3).double()
    before, tensors = net(x, net.largest), copy.deepcopy(net.state_dict())
    sort_channels(net, by, [x[:3], x[3:]] if callable(by) else None)
    torch.testing.assert_close(net(x, net.largest), before)
    after = net.state_dict()
    same = {key for key, tensor in after.items() if torch.equal(tensor, tensors[key])}
    assert len(same) < len(tensors) / 2  # that some keep their order can happen
    assert {w.requires_grad for w in net.parameters()} == {True}
    assert all(w.grad is None for w in net.parameters())


def two_layers() -> tuple[Supernet, Tensor]:
    """Of eight hidden units, those that matter are 6 and 3."""
    first, last = nn.Linear(4, 8), nn.Linear(8, 1)
    with torch.no_grad():
        scale = torch.tensor([0.1, 0.2, 0.1, 4.0, 0.1, 0.3, 9.0, 0.1])
        first.weight.copy_(torch.ones(8, 4) * scale[:, None])
        first.bias.zero_()
        last.weight.copy_(torch.ones(1, 8))
    width = Value("width", [2, 8])
    module = nn.Sequential(
        P.Linear.of(first, out_features=width), nn.ReLU(), P.Linear.of(last, in_features=width)
    )
    return Supernet(module), torch.rand(16, 4)


@pytest.mark.parametrize("by", ["norm", loss])
def test_the_first_channels_are_those_that_matter(by: object) -> None:
    net, x = two_layers()
    sort_channels(net, by, [x] if callable(by) else None)
    first = net.module[0].state_dict()["weight"][:, 0]
    assert first[:3].tolist() == pytest.approx([9.0, 4.0, 0.3])
    narrow = net(x, net.space.architecture({"width": 2}))
    whole = net(x, net.largest)
    assert (narrow - whole).abs().max() < 0.1 * whole.abs().max()


def test_channels_of_a_group_stay_together() -> None:
    width = Value("width", [4, 8])
    net = Supernet(nn.Sequential(P.Conv2d(1, width, 1, bias=False), P.GroupNorm(4, width)))
    weight = torch.tensor([1.0, 1, 5, 5, 3, 3, 0, 9]).view(8, 1, 1, 1)
    net.module[0].load_state_dict({"weight": weight})
    sort_channels(net)
    found = net.module[0].state_dict()["weight"].flatten().tolist()
    assert found == [0, 9, 5, 5, 3, 3, 1, 1]


class WithAParameter(nn.Module):
    """Has a value for each channel that is in no layer of `pdas.nn`."""

    def __init__(self) -> None:
        super().__init__()
        self.width = Value("width", [2, 8])
        self.first, self.last = P.Linear(4, self.width), P.Linear(self.width, 1)
        self.scale = nn.Parameter(torch.arange(8.0) ** 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x) * self.scale[: self.width.value])


def test_what_cannot_be_sorted_is_found_and_taken_back() -> None:
    net = Supernet(WithAParameter())
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(NetworkError, match=r"sort_channels: found a loss of .* afterwards"):
        sort_channels(net, loss, [torch.randn(5, 4)])
    assert all(torch.equal(t, before[k]) for k, t in net.state_dict().items())
    assert net.training


def test_settings_that_are_none_are_told() -> None:
    net, _ = two_layers()
    with pytest.raises(SettingError, match="by: found 'size', expected 'norm' or a loss"):
        sort_channels(net, "size")
    with pytest.raises(SettingError, match="batches: found none"):
        sort_channels(net, loss)


class GroupsOfASum(nn.Module):
    """Groups that do not lie between the parts of a concatenation, and some that do."""

    def __init__(self, first: list[int], second: list[int]) -> None:
        super().__init__()
        u, v = Value("u", first), Value("v", second)
        self.left, self.right = P.Conv2d(3, u, 1), P.Conv2d(3, v, 1)
        self.norm = P.GroupNorm(4, u + v)
        self.last = P.Conv2d(u + v, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.norm(torch.cat([self.left(x), self.right(x)], 1)))
        return y


@pytest.mark.parametrize(("first", "second"), [([8, 4], [16, 8]), ([24, 12], [24, 8])])
def test_groups_over_a_sum_of_widths_stay_together(first: list[int], second: list[int]) -> None:
    net = Supernet(GroupsOfASum(first, second)).double().eval()
    x = torch.randn(2, 3, 4, 4).double()
    before = net(x, net.largest)
    sort_channels(net)
    torch.testing.assert_close(net(x, net.largest), before)


@pytest.mark.parametrize(
    ("heads", "shared", "is_sorted"),
    [
        (Value("heads", [2, 4]), 2, False),
        (Value("heads", [2, 4]), Value("shared", [1, 2]), False),
        (2 * Value("heads", [2, 4]), Value("heads", [2, 4]), True),
    ],
)
def test_heads_of_queries_keep_their_keys(heads: Any, shared: Any, is_sorted: bool) -> None:
    net = Supernet(P.MultiheadAttention(8, heads, 4, kv_heads=shared)).double().eval()
    x = torch.randn(5, 2, 8).double()
    weight = net.state_dict()["module.out_proj.weight"]
    by_head = weight.view(8, -1, 4) * torch.arange(1, P.widest(heads) + 1)[:, None]
    net.module.load_state_dict({"out_proj.weight": by_head.flatten(1)}, strict=False)
    before, weight = net(x, x, x, net.largest)[0], by_head.flatten(1)
    sort_channels(net)
    torch.testing.assert_close(net(x, x, x, net.largest)[0], before)
    assert torch.equal(net.state_dict()["module.out_proj.weight"], weight) is not is_sorted


class OwnGroups(nn.GroupNorm):
    """A norm of another library."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


def test_groups_of_a_layer_of_any_class_stay_together() -> None:
    width = Value("width", [4, 8])
    norm = P.with_widths(
        OwnGroups(2, 8), {"weight": [width], "bias": [width]}, {"num_channels": width}
    )
    module = nn.Sequential(P.Conv2d(3, width, 1), norm, P.Conv2d(width, 2, 1))
    net, x = Supernet(module).double().eval(), torch.randn(2, 3, 4, 4).double()
    weight = net.state_dict()["module.0.weight"] * torch.arange(1, 9)[:, None, None, None]
    net.load_state_dict({"module.0.weight": weight}, strict=False)
    before = net(x, net.largest)
    sort_channels(net)
    torch.testing.assert_close(net(x, net.largest), before)
    assert not torch.equal(net.state_dict()["module.0.weight"], weight)
