"""Which variables of an auto-encoder are active, against changing each of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.support.errors import SpaceError


def make() -> AutoencoderSupernet:
    torch.manual_seed(0)
    net = AutoencoderSupernet(layers=3, level_back=3, kernels=(3,), channels=(1, 2)).double()
    for weight in net.parameters():  # positive, so that no ReLU hides a difference
        weight.data.abs_()
    return net


@torch.no_grad()
def test_a_variable_is_active_if_some_change_of_it_changes_the_output() -> None:
    net = make()
    sizes = net.space.sizes
    x = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    outputs = {indices: net(x, net.space.architecture(indices)) for indices in every(net)}

    def changes(indices: tuple[int, ...], i: int) -> bool:
        others = [(*indices[:i], k, *indices[i + 1 :]) for k in range(sizes[i])]
        return any(not torch.equal(outputs[other], outputs[indices]) for other in others)

    for indices in list(outputs)[::7]:
        expected = [changes(indices, i) or sizes[i] == 1 for i in range(len(sizes))]
        found = net.active(net.space.architecture(indices))
        assert (found | (sizes == 1)).tolist() == expected


def every(net: AutoencoderSupernet) -> list[tuple[int, ...]]:
    return list(product(*map(range, net.space.sizes)))


def test_by_the_paper_s_sizes_a_long_name_is_not_its_beginning() -> None:
    with torch.device("meta"):
        net = AutoencoderSupernet()
    labels = net.space.uniform(np.random.default_rng(0)).to_dict()
    labels |= {"output/from": 17, "layer17/from": 12, "layer12/from": 10, "layer10/from": 5}
    labels |= {"layer5/from": 0}
    found = net.active(net.space.architecture(labels))
    names = [name for name, active in zip(net.space, found, strict=True) if active]
    layers = [f"layer{i}/{what}" for i in (5, 10, 12, 17) for what in ("type", "channels", "from")]
    assert names == [*layers, "output/from"]


def test_an_architecture_of_another_space_has_no_active_variables() -> None:
    other = AutoencoderSupernet(layers=1, channels=(2,)).space
    with pytest.raises(SpaceError, match="another search space"):
        make().active(other.architecture([0] * len(other)))
