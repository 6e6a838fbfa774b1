"""The stem of stride 4, for large images; that of stride 1 is the paper's."""

from __future__ import annotations

import pytest
import torch
from cell_helpers import difference, random_architectures, special_architectures
from torch import nn

from pdas.spaces.cells.hypernetwork import HyperCellSupernet
from pdas.spaces.cells.network import CellNetwork, stem
from pdas.spaces.cells.operations import affine_batch_norm
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError

LARGE = CellSettings(nodes=2, cells_per_stage=1, channels=8, stem_stride=4)


def test_the_stem_of_the_paper_is_the_default() -> None:
    names = set(stem(CellSettings(), affine_batch_norm).state_dict())
    norm = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    assert names == {"0.weight", *(f"1.{name}" for name in norm)}
    assert stem(CellSettings(), affine_batch_norm)[0].weight.shape == (48, 3, 3, 3)


@pytest.mark.parametrize(("side", "left"), [(224, 56), (112, 28), (33, 9), (32, 8)])
def test_it_leaves_a_quarter_of_a_side(side: int, left: int) -> None:
    made = stem(LARGE, affine_batch_norm)
    assert made(torch.zeros(2, 3, side, side)).shape == (2, 8, left, left)
    kinds = [type(each) for each in made]
    block = [nn.Conv2d, nn.BatchNorm2d]
    assert kinds == [*block, nn.ReLU, *block]
    assert [each.out_channels for each in made if isinstance(each, nn.Conv2d)] == [4, 8]


def test_the_derived_network_is_the_same_function() -> None:
    torch.manual_seed(0)
    net = CellSupernet(**LARGE.model_dump())
    architectures = [*random_architectures(net.space, 4), *special_architectures(net.space)]
    derived = [net.derive(a, keep_weights=True).double() for a in architectures]
    x = torch.randn(3, 3, 37, 37).double()
    net.double()
    for network, architecture in zip(derived, architectures, strict=True):
        assert difference(network(x), net(x, architecture)) < 1e-10


def test_every_way_through_the_supernet_has_it() -> None:
    net = CellSupernet(**LARGE.model_dump())
    architecture = random_architectures(net.space, 1)[0]
    x = torch.randn(2, 3, 32, 32)
    assert HyperCellSupernet(net)(x, architecture).shape == (2, 10)
    relaxed = net.relaxation()
    mixed = net.forward_mixed(x, coefficients=relaxed.coefficients(torch.zeros(relaxed.size)))
    assert mixed.shape == (2, 10)


def test_the_auxiliary_classifier_at_224() -> None:
    net = CellSupernet(**LARGE.model_dump())
    for architecture in random_architectures(net.space, 3):
        network = CellNetwork(architecture, LARGE, auxiliary=True)
        logits = network.forward_with_auxiliary(torch.randn(2, 3, 224, 224))
        assert [each.shape for each in logits] == [(2, 10), (2, 10)]


def test_images_need_four_times_the_pixels() -> None:
    net = CellSupernet(**LARGE.model_dump())
    architecture = random_architectures(net.space, 1)[0]
    expected = r"found 31x31, expected at least 32x32 for 2 reductions after a stem of stride 4"
    for network in (lambda x: net(x, architecture), CellNetwork(architecture, LARGE)):
        with pytest.raises(SettingError, match=expected):
            network(torch.zeros(1, 3, 31, 31))
    with pytest.raises(SettingError, match=r"network\.stem_stride: found 2"):
        CellSupernet(stem_stride=2)
