"""The supernet of cells with weights of a hypernetwork."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pdas.spaces.cells.hypernetwork import HyperCellSupernet
from pdas.spaces.cells.space import decode
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError, SpaceError

SIZE: dict[str, Any] = {"nodes": 2, "cells_per_stage": 1, "channels": 8, "in_channels": 1}


def made(**size: Any) -> HyperCellSupernet:
    torch.manual_seed(0)
    return HyperCellSupernet(CellSupernet(**SIZE | size))


def architectures(net: HyperCellSupernet, n: int, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [net.space.uniform(rng) for _ in range(n)]


X = torch.randn(3, 1, 12, 12, generator=torch.Generator().manual_seed(1))


def test_it_runs_as_the_plain_supernet_with_the_weights_that_are_made() -> None:
    net = made()
    for architecture in architectures(net, 6):
        with net.same_noise():
            found, weights = net(X, architecture), net.weights(architecture)
        plain = CellSupernet(**SIZE)
        plain.load_state_dict({**net.net.state_dict(), **weights})
        torch.testing.assert_close(found, plain(X, architecture), atol=1e-5, rtol=1e-4)


def test_every_weight_in_use_that_is_pointwise_or_of_an_output_is_made() -> None:
    net = made()
    (architecture,) = architectures(net, 1)
    found = set(net.weights(architecture))
    used = set()
    for weight in net.net.parameters():  # those with a gradient are in use
        weight.requires_grad_(True)
    net.net(X, architecture).sum().backward()
    for name, weight in net.net.named_parameters():
        pointwise = "edges" in name and name.endswith(("2.weight", "6.weight"))
        if weight.grad is not None and (pointwise or "output.blocks" in name):
            used.add(name)
    assert found == used


def test_weights_depend_on_the_whole_architecture_and_on_the_noise() -> None:
    net = made(nodes=3)
    one, other = architectures(net, 2)
    with net.same_noise():
        first, again, second = net.weights(one), net.weights(one), net.weights(other)
    common = first.keys() & second.keys()
    assert common and all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.allclose(first[name], second[name], atol=1e-4) for name in common)
    fresh, anew = net.weights(one), net.weights(one)
    assert not any(torch.equal(fresh[name], anew[name]) for name in fresh)


def test_weights_have_the_norm_one_whatever_the_scale_of_the_hypernetwork() -> None:
    net = made()
    (architecture,) = architectures(net, 1)
    with net.same_noise():
        before = net.weights(architecture)
        with torch.no_grad():
            for weight in net.hypernetwork.parameters():
                weight.mul_(3.7)
        after = net.weights(architecture)
    for name, weight in before.items():
        assert float(weight.detach().norm()) == pytest.approx(1, abs=1e-5)
        torch.testing.assert_close(after[name], weight, atol=1e-5, rtol=1e-3)


def test_every_weight_of_the_hypernetwork_has_a_gradient_and_none_that_it_replaces() -> None:
    net = made()
    for architecture in architectures(net, 8):
        net(X, architecture).square().sum().backward()
    assert all(
        weight.grad is not None and float(weight.grad.abs().sum()) > 0
        for weight in net.hypernetwork.parameters()
    )
    replaced = [weight for weight in net.net.parameters() if not weight.requires_grad]
    assert replaced and all(weight.grad is None for weight in replaced)
    own = {id(weight) for weight in net.parameters()}
    assert not any(id(weight) in own for weight in net.hypernetwork.parameters())


def test_a_column_says_what_its_weight_is_for() -> None:
    """Read back from the condition: source, operation, node, pointwise, cell, stage, index."""
    net = made(nodes=3)
    (architecture,) = architectures(net, 1, seed=3)
    kinds = [5, 5, 3, 2, 2, 3, len(net.net.cells)]
    starts = np.concatenate([[0], np.cumsum(kinds)])
    for each in net._generated(architecture):
        values = {}
        for mark in each.marks:
            kind = int(np.searchsorted(starts, mark, side="right")) - 1
            values[kind] = mark - starts[kind]
        index = int(each.name.split(".")[1])
        position = net.net.positions[index]
        assert values[6] == index
        assert ("normal", "reduction")[values[4]] == position.kind
        assert each.channels == position.channels == 8 * 2 ** values[5]
        if "edges" in each.name:
            edges = decode(architecture, position.kind).nodes[values[2]]
            operation = net.net.settings.operations[values[1]]
            assert any((e.source, e.operation) == (values[0], operation) for e in edges)
            assert each.name.endswith(("2.weight", "6.weight")[values[3]])
        else:
            assert each.name.endswith(f"blocks.{values[2]}") and not values.keys() & {0, 1, 3}


def test_channels_that_do_not_fit_its_blocks() -> None:
    with pytest.raises(
        SettingError, match=r"network.channels: found 12, .* multiple of 8"
    ) as caught:
        made(channels=12)
    assert "\n" not in str(caught.value)


def test_an_architecture_of_another_space_and_weights_that_are_no_ones() -> None:
    net = made()
    (other,) = architectures(made(nodes=3), 1)
    with pytest.raises(SpaceError):
        net(X, other)
    (architecture,) = architectures(net, 1)
    with pytest.raises(SettingError, match="keep_weights"):
        net.derive(architecture, keep_weights=True)
    derived = net.derive(architecture)
    count = sum(weight.numel() for weight in derived.parameters())
    assert net.cost("parameters")(architecture) == count
