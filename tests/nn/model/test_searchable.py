"""Spaces of plain models by rules, against the plain models."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

import pdas
from pdas.nn import searchable
from pdas.support.errors import NetworkError

X = torch.randn(2, 3, 32, 32)


def resnet() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=5).eval()


RULES = {"layer[1-4]": "depth", "layer*.conv1": [0.25, 0.5, 1.0], "layer3.0.conv2": [128, 256]}


def test_resnet_by_three_rules() -> None:
    model = resnet()
    before = copy.deepcopy(model.state_dict())
    net = searchable(model, RULES, X)
    assert len(net.space) == 4 + 8 + 1
    assert net.space.variables[0].name == "layer1"
    assert torch.equal(net(X, net.largest), model(X))
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert net.module.state_dict().keys() == model.state_dict().keys()
    least = net.space.architecture([0] * len(net.space))
    network = net.derive(least, keep_weights=True)
    assert torch.equal(net(X, least), network(X))
    assert net.cost("parameters")(least) == sum(w.numel() for w in network.parameters())
    # The definition: the first channels of the trained weights.
    assert torch.equal(network.layer1[0].conv1.weight, model.layer1[0].conv1.weight[:16])
    narrow, plain = (m.layer3[0].downsample[0].weight for m in (network, model))
    assert torch.equal(narrow, plain[:128])
    assert len(network.layer1) == 1


def test_it_prints_a_table_of_costs() -> None:
    model = resnet()
    net = searchable(model, {"layer1.*.conv1": [0.5, 1.0]}, X[:1])
    text = repr(net)
    whole = sum(w.numel() for w in model.parameters())
    fewer = whole - 32 * (64 * 9 + 64 * 9 + 2)
    assert "2 variables" in text.splitlines()[0]
    row = next(line for line in text.splitlines() if "layer1.1.conv1" in line)
    assert f"32, 64      {fewer:,}, {fewer:,}, {whole:,}" in row


class Tied(nn.Module):
    """Words in, words out, by one table."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.hidden = nn.Embedding(11, 8), nn.Linear(8, 8)
        self.last = nn.Linear(8, 11, bias=False)
        self.last.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.hidden(self.table(x))))


def test_ties_are_kept() -> None:
    model, x = Tied(), torch.randint(11, (3, 4))
    net = searchable(model, {"table": [4, 8]}, x)
    assert torch.equal(net(x, net.largest), model(x))
    narrow = net.derive(net.space.architecture({"table": 4}), keep_weights=True)
    assert narrow.last.weight is narrow.table.weight
    assert torch.equal(narrow.table.weight, model.table.weight[:, :4])


def test_transformers_with_a_fast_path() -> None:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 2).eval(), torch.randn(2, 5, 16)
    net = searchable(
        model, {"layers": "depth", "*.self_attn": [0.25, 1.0], "*.linear1": [8, 32]}, x
    )
    torch.testing.assert_close(net(x, net.largest), model(x))
    assert len(net.space) == 5


def test_blocks_of_their_own_choice() -> None:
    model = resnet()
    net = searchable(model, {"layer[1-4].1": "optional"}, X)
    assert net.space.names == ("layer1.1", "layer2.1", "layer3.1", "layer4.1")
    architecture = net.space.architecture(dict.fromkeys(net.space.names, False))
    network = net.derive(architecture, keep_weights=True)
    plain = copy.deepcopy(model)
    for layer in (plain.layer1, plain.layer2, plain.layer3, plain.layer4):
        layer[1] = nn.Identity()
    assert torch.equal(network(X), plain(X))


def test_it_can_be_searched_under_a_limit() -> None:
    x = torch.randn(128, 4)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    net = searchable(model, {"0": [2, 8]}, x)
    data = torch.utils.data.TensorDataset(x, x[:, :2])

    def loss(model: Any, batch: list[Tensor]) -> Tensor:
        return (model(batch[0]) - batch[1]).square().mean()

    result = pdas.search(
        net,
        loss,
        data,
        steps=30,
        finalists=0,
        progress=False,
        limit=pdas.Limit(net.cost("parameters"), 20),
    )
    assert result.architecture["0"] == 2


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "searchable: found no rules"),
        ({"leyer*": "depth"}, r"'leyer\*': found no module of such a name.*closest.* is 'layer"),
        ({"layer1": "deep"}, "'layer1': found 'deep', expected 'depth', 'optional', or a list"),
        ({"layer1": [0.5, 1.0]}, "found no layer that has a width of its own, as a block"),
        ({"bn1": [0.5, 1.0]}, "found no layer that has a width of its own, as BatchNorm2d"),
        ({"fc": [0.5, 1.0]}, "width of fc must stay: its channels are an output of the model"),
        ({"conv1": [0.25, 0.5]}, "expected the whole width among them, as 1.0 or 64"),
        ({"conv1": [0.5, 1.5]}, "found 1.5, expected a fraction above 0"),
        ({"conv1": [100, 64]}, "found 100, expected a fraction above 0"),
        (
            {"conv1": [0.5, 1.0], "layer1.0.conv2": [0.25, 1.0]},
            r"'layer1.0.conv2': found \[16, 64\] for layer1.0.conv2, expected \[32, 64\]",
        ),
        ({"layer2.0": "optional"}, "found no module that can be left out, as layer2.0"),
        ({"avgpool": "depth"}, "expected a nn.Sequential or nn.ModuleList"),
    ],
)
def test_rules_that_do_not_fit_are_told(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        searchable(resnet(), rules, X)


class OfEight(nn.Module):
    """The second layer gets a number of channels that is written in the code."""

    def __init__(self) -> None:
        super().__init__()
        self.free, self.bound = nn.Linear(4, 8), nn.Linear(8, 8)
        self.last = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.bound(self.free(x).relu()).view(3, 8))


def test_sizes_in_the_code_of_the_model_are_told() -> None:
    rules = {"free": [0.5, 1.0], "bo*": [0.5, 1.0]}
    with pytest.raises(NetworkError, match=r"'bo\*': found that the model fails where bound is 4"):
        searchable(OfEight(), rules, torch.randn(3, 4))
