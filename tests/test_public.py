"""The public contract, as a user writes it."""

from __future__ import annotations

import json

import pytest
from torch import nn

import pdas
from pdas.spaces.cells.supernet import CellSupernet


def test_every_public_name_is_there() -> None:
    assert all(hasattr(pdas, name) for name in pdas.__all__)
    assert {"PDAS", "SearchSpace", "nn", "search", "load", "PdasError"} <= set(pdas.__all__)


def test_the_optimizer_by_ask_and_tell() -> None:
    space = pdas.SearchSpace({"op": ["conv3", "conv5", "skip"], "width": [64, 128, 256]})
    opt = pdas.PDAS(space, seed=0)
    a, b = opt.ask(2)
    assert a["op"] in space["op"] and a["width"] in space["width"]
    assert a.indices.shape == (2,)
    opt.tell([a, b], [0.31, 0.42])
    assert opt.theta["op"].sum() == pytest.approx(1)
    for name in space:
        if a[name] != b[name]:
            better, worse = (space[name].index(x[name]) for x in (a, b))
            assert opt.theta[name][better] > opt.theta[name][worse]
    assert opt.best() in {space.architecture([i, j]) for i in range(3) for j in range(3)}
    again = pdas.PDAS(space, seed=1)
    again.load_state_dict(json.loads(json.dumps(opt.state_dict())))
    assert again.ask(5) == opt.ask(5)
    assert space.architecture({"op": "skip", "width": 64}) == space.architecture([2, 0])


def test_the_cell_supernet_gives_plain_networks() -> None:
    net = CellSupernet(nodes=2, cells_per_stage=1, channels=4)
    architecture = net.space.architecture([0] * len(net.space))
    assert isinstance(net.derive(architecture), nn.Module)


def test_every_error_of_the_user_is_one_to_catch() -> None:
    with pytest.raises(pdas.PdasError):
        pdas.SearchSpace({})
    with pytest.raises(pdas.PdasError):
        pdas.load("nowhere")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for name in ("nothing", "_nothing"):
        with pytest.raises(AttributeError, match=f"'pdas' has no attribute '{name}'"):
            getattr(pdas, name)
    assert set(pdas.__all__) <= set(dir(pdas))
