"""Wider and deeper networks compute what the first one does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from pdas.methods.trials.inheritance import Heir, inherit
from pdas.spaces.base import FAMILIES
from pdas.spaces.densenets.net2net import earliest_matches, net2deeper, net2wider
from pdas.spaces.densenets.network import DenseNet
from pdas.spaces.densenets.settings import DenseNetSettings

FAMILY: Any = FAMILIES["densenets"]
SETTINGS = DenseNetSettings(layers=5, growths=(2, 3, 4), stem=4)
SIZE = FAMILY.size(SETTINGS, (1, 9, 9), 3)
IMAGES = torch.rand(6, 1, 9, 9, generator=torch.Generator().manual_seed(1))


def trained(growths: tuple[tuple[int, ...], ...] = ((2, 2), (2, 3), (2,))) -> DenseNet:
    """A network whose norms have statistics, gammas and betas that differ."""
    torch.manual_seed(0)
    network = DenseNet(growths, SIZE)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(6, 1, 9, 9))
    return network.eval()


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(("block", "layer"), [(0, 0), (0, 1), (1, 0), (2, 0)])
def test_wider_changes_no_output(block: int, layer: int, train: bool) -> None:
    network = trained()
    wider = net2wider(network, block, layer, 4, draws(), noise=False)
    assert weights(wider) > weights(network)
    assert distance(network.train(train), wider.train(train)) < 1e-5


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(("block", "place"), [(0, 0), (0, 1), (0, 2), (1, 1), (2, 0), (2, 1)])
def test_deeper_changes_no_output(block: int, place: int, train: bool) -> None:
    network = trained().train(train)
    deeper = net2deeper(network, block, place, 3, IMAGES, draws(), noise=False)
    assert deeper.growths[block][place] == 3
    assert weights(deeper) > weights(network)
    assert distance(network, deeper) < 1e-5


def test_several_in_a_row() -> None:
    network = child = trained()
    for block, place in ((0, 1), (2, 1), (1, 0)):
        child = net2deeper(child, block, place, 2, IMAGES, draws(), noise=False)
        child = net2wider(child, block, place, 3, draws(), noise=False)
        child = net2wider(child, block, 0, 4, draws(), noise=False)
    assert child.growths == ((4, 3, 2), (4, 2, 3), (4, 3))
    assert weights(child) == sum(p.numel() for p in DenseNet(child.growths, SIZE).parameters())
    assert distance(network, child) < 1e-5


def test_noise_is_small_and_parts_the_copies() -> None:
    network = trained()
    wider = net2wider(network, 0, 0, 4, draws())
    assert 0 < distance(network, wider) < 0.2
    kernel = wider.get_parameter("blocks.0.0.grow.conv.weight")
    assert len({tuple(row.flatten().tolist()) for row in kernel}) == 4
    deeper = net2deeper(network, 0, 1, 2, IMAGES, draws())
    assert 0 < distance(network, deeper) < 0.2


def test_a_child_in_a_trial_inherits_the_function() -> None:
    space = FAMILY.space(SETTINGS)
    labels = dict.fromkeys(space, "none")
    parent = space.architecture(
        labels | {"block1/layer1": 2, "block1/layer2": 2, "block2/layer1": 2, "block3/layer1": 3}
    )
    network = trained(((2, 2), (2,), (3,)))
    child = DenseNet(((2, 3, 2), (4, 2), (4,)), SIZE)
    assert isinstance(child, Heir)
    inherit(child, parent, network.state_dict())
    assert distance(network.train(), child.train()) < 0.3
    fresh = DenseNet(((2, 3, 2), (4, 2), (4,)), SIZE)
    assert distance(network, fresh) > 1.5 * distance(network, child)


def test_no_descendant_inherits_nothing() -> None:
    space = FAMILY.space(SETTINGS)
    parent = space.architecture(dict.fromkeys(space, 4))
    assert DenseNet(((2,), (2,), (2,)), SIZE).inherited(parent, {}) == {}


def test_matches_are_the_earliest() -> None:
    assert earliest_matches([2, 4], [2, 3, 4]) == [0, None, 1]
    assert earliest_matches([], [2]) == [None]
    assert earliest_matches([2, 4], [4, 2]) is None
    assert earliest_matches([2, 2], [2]) is None


def weights(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@torch.no_grad()
def distance(one: nn.Module, other: nn.Module) -> float:
    return float((one(IMAGES) - other(IMAGES)).abs().max())
