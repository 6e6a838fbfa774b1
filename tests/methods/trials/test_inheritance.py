"""Networks that begin with the weights of another one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.methods.trials.inheritance import inherit
from pdas.space import Architecture
from pdas.spaces.cells.network import CellNetwork
from pdas.spaces.cells.settings import CellSettings
from pdas.spaces.cells.space import CELL_TYPES, decode
from pdas.spaces.cells.supernet import CellSupernet

SETTINGS = CellSettings(nodes=3, cells_per_stage=1, channels=4, in_channels=1)
NET = CellSupernet(nodes=3, cells_per_stage=1, channels=4, in_channels=1)
X = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def network(architecture: Architecture, seed: int) -> CellNetwork:
    torch.manual_seed(seed)
    made = CellNetwork(architecture, SETTINGS)
    with torch.no_grad():
        for buffer in made.buffers():  # so that running statistics are told apart too
            buffer.add_(torch.ones_like(buffer))
    return made


def draw(rng: np.random.Generator) -> Architecture:
    return NET.space.uniform(rng)


def child_of(parent: Architecture, rng: np.random.Generator, cell: str = "") -> Architecture:
    """A parent with another category of one variable, of a cell or of any."""
    while True:
        position = int(rng.integers(len(NET.space)))
        child = parent.replaced(position, int(rng.integers(NET.space.sizes[position])))
        if child != parent and NET.space.names[position].startswith(cell):
            return child


@pytest.mark.parametrize("seed", range(5))
def test_what_has_the_same_name_and_shape_is_the_parents_to_the_last_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = draw(rng)
    second = child_of(first, rng)
    parent, child, fresh = network(first, 1), network(second, 2), network(second, 2)
    inherit(child, first, parent.state_dict())
    weights, before = parent.state_dict(), fresh.state_dict()
    copied = 0
    for name, tensor in child.state_dict().items():
        if "output.1.weight" in name:
            continue  # the next test
        if name in weights and weights[name].shape == tensor.shape:
            assert torch.equal(tensor, weights[name])
            copied += 1
        else:
            assert torch.equal(tensor, before[name])
    assert copied > len(before) / 2


@pytest.mark.parametrize("seed", range(8))
def test_the_output_of_a_cell_is_taken_node_by_node(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = draw(rng), draw(rng)
    parent, child, fresh = network(first, 1), network(second, 2), network(second, 2)
    inherit(child, first, parent.state_dict())
    found = 0
    for index, position in enumerate(child.positions):
        if not (parent.needed[index] and child.needed[index]):
            continue
        theirs, own = (decode(each, position.kind).loose_ends for each in (first, second))
        for node in own:
            expected = (
                _columns(parent, index, theirs.index(node))
                if node in theirs
                else _columns(fresh, index, own.index(node))
            )
            assert torch.equal(_columns(child, index, own.index(node)), expected)
            found += 1
    assert found


def _columns(net: CellNetwork, cell: int, place: int) -> Tensor:
    """The part of the output of a cell that reads one of its loose ends."""
    weight = net.state_dict()[f"cells.{cell}.output.1.weight"]
    channels = net.positions[cell].channels
    return weight[:, place * channels : (place + 1) * channels]


def test_a_node_that_is_no_loose_end_any_more_leaves_its_place_to_no_other() -> None:
    """As many loose ends, of other nodes: equal shapes, and yet not the same weight."""
    rng = np.random.default_rng(0)
    while True:
        first, second = draw(rng), draw(rng)
        ends = [[decode(each, cell).loose_ends for cell in CELL_TYPES] for each in (first, second)]
        if all(len(a) == len(b) and a != b for a, b in zip(*ends, strict=True)):
            break
    parent, child = network(first, 1), network(second, 2)
    inherit(child, first, parent.state_dict())
    last = len(child.cells) - 1
    name = f"cells.{last}.output.1.weight"
    assert child.state_dict()[name].shape == parent.state_dict()[name].shape
    assert not torch.equal(child.state_dict()[name], parent.state_dict()[name])


@pytest.mark.parametrize("seed", range(3))
def test_a_child_that_differs_in_what_is_not_used_computes_what_its_parent_does(seed: int) -> None:
    """Where normal cells read the one before the previous only, no reduction cell is needed."""
    rng = np.random.default_rng(seed)
    labels = {
        name: "prev_prev" if "normal" in name and "/in" in name else label
        for name, label in draw(rng).to_dict().items()
    }
    first = NET.space.architecture(labels)
    second = child_of(first, rng, "reduction")
    parent, child = network(first, 1).eval(), network(second, 2).eval()
    assert not torch.equal(child(X), parent(X))
    inherit(child, first, parent.state_dict())
    assert torch.equal(child(X), parent(X))


def test_other_networks_need_no_hook() -> None:
    first, second = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), nn.Sequential(nn.Linear(2, 3))
    inherit(second, draw(np.random.default_rng(0)), first.state_dict())
    assert torch.equal(second[0].weight, first[0].weight)
