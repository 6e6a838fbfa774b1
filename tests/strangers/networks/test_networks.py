"""Models of others with choices in them: each row is held to what the documentation says."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.space import Architecture
from tests.strangers.networks.counter import multiply_adds
from tests.strangers.networks.row import Inputs, Row, quiet
from tests.strangers.networks.rows import ROWS


class Case:
    """A row that is built: its supernet, a sample, and five architectures."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.net = row.supernet().eval()
        torch.manual_seed(1)
        self.inputs = row.inputs()
        rng = np.random.default_rng(0)
        self.full = row.plain_architecture(self.net.space)
        self.architectures = [self.full, *(self.net.space.uniform(rng) for _ in range(4))]
        with torch.no_grad():
            self.inputs(self.net, self.full)  # as before any derived network

    def derived(self, architecture: Architecture) -> nn.Module:
        return self.net.derive(architecture, keep_weights=True).eval()


def _marked(row: Row) -> Any:
    return pytest.param(row, id=row.name, marks=[] if row.quick else [pytest.mark.long])


@pytest.fixture(scope="module", params=map(_marked, ROWS))
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


@pytest.fixture(autouse=True)
def _applies(request: pytest.FixtureRequest) -> None:
    if "case" in request.fixturenames:
        row: Row = request.getfixturevalue("case").row
        check = request.function.__name__.removeprefix("test_")
        if check in row.without:
            pytest.skip(row.without[check])


@pytest.fixture
def _without_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyTorch runs a whole layer of plain attention in one piece, it rounds differently."""
    monkeypatch.setattr(torch.backends.mha, "_is_fastpath_enabled", False)


def same(found: list[Tensor], expected: list[Tensor]) -> bool:
    return len(found) == len(expected) and all(map(torch.equal, found, expected))


@torch.no_grad()
def test_check(case: Case) -> None:
    case.net.check(*case.inputs.args, keep_weights=True, **case.inputs.named)


@torch.no_grad()
def test_fresh(case: Case) -> None:
    """Fresh weights are those with which the plain model starts."""
    plain = case.row.plain()
    expected = dict(plain.named_parameters())
    for architecture in case.architectures:
        network = case.net.derive(architecture, like=lambda: plain).eval()
        assert all(output.isfinite().all() for output in case.inputs(network))
        for name, weight in network.named_parameters():
            if name in expected and weight.shape == expected[name].shape:
                assert torch.equal(weight, expected[name])
            else:
                assert architecture != case.full or "loading" in case.row.without


@torch.no_grad()
def test_outputs(case: Case) -> None:
    found = [case.inputs(case.net, architecture) for architecture in case.architectures]
    for output, architecture in zip(found, case.architectures, strict=True):
        assert same(output, case.inputs(case.derived(architecture)))
    assert not all(same(output, found[0]) for output in found)


@torch.no_grad()
def test_training(case: Case) -> None:
    net = copy.deepcopy(case.net).train()
    for architecture in case.architectures:
        network = net.derive(architecture, keep_weights=True)
        torch.manual_seed(2)  # of dropout
        found = case.inputs(net, architecture)
        torch.manual_seed(2)
        assert same(found, case.inputs(network))


def test_parameters(case: Case) -> None:
    cost = case.net.cost("parameters")
    for architecture in case.architectures:
        weights = case.derived(architecture).parameters()
        assert cost(architecture) == sum(weight.numel() for weight in weights)


def test_multiply_adds(case: Case) -> None:
    cost = case.net.cost("multiply_adds", *case.inputs.args, **case.inputs.named)
    for architecture in case.architectures:
        assert cost(architecture) == multiply_adds(case.derived(architecture), case.inputs)


@pytest.mark.usefixtures("_without_fast_path")
@torch.no_grad()
def test_full(case: Case) -> None:
    """At its largest it is the plain model."""
    assert same(case.inputs(case.net, case.full), case.inputs(case.row.plain()))


@pytest.mark.usefixtures("_without_fast_path")
@torch.no_grad()
def test_loading(case: Case) -> None:
    """It takes the state dict of the plain model."""
    plain, net = case.row.plain(), copy.deepcopy(case.net)
    for weight in plain.parameters():
        weight.mul_(1.5)
    net.module.load_state_dict(plain.state_dict())
    found = case.inputs(net, case.full)
    assert same(found, case.inputs(plain))
    assert not same(found, case.inputs(case.net, case.full))


def test_search(case: Case) -> None:
    net = copy.deepcopy(case.net)
    cost = net.cost("parameters")
    ends = [
        cost(net.space.architecture(indices))
        for indices in (0 * net.space.sizes, net.space.sizes - 1)
    ]
    limit = pdas.Limit(cost, sum(ends) / 2)
    steps: list[int] = []
    result = pdas.search(
        net,
        lambda model, batch: Inputs(**batch)(model)[0].square().mean(),
        (Batches(case.inputs), Batches(case.inputs)),
        preset="paper",
        steps=4,
        limit=limit,
        progress=False,
        on_step=lambda progress: steps.append(progress.step),
    )
    assert len(steps) == 4
    assert cost(result.architecture) <= limit.maximum
    before, after = case.net.parameters(), net.parameters()
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


class Batches:
    """Two batches of one sample."""

    def __init__(self, inputs: Inputs) -> None:
        self.batch = {"args": inputs.args, "named": dict(inputs.named)}

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([self.batch, self.batch])


@torch.no_grad()
def test_pickle(case: Case) -> None:
    architecture = case.architectures[1]
    expected = case.inputs(case.net, architecture)
    net = pickle.loads(pickle.dumps(case.net))
    assert same(case.inputs(net, architecture), expected)
    network = pickle.loads(pickle.dumps(case.derived(architecture)))
    assert same(case.inputs(network), expected)


@torch.no_grad()
def test_export(case: Case) -> None:
    network = case.derived(case.architectures[1])
    with quiet():
        program = torch.export.export(network, case.inputs.args, dict(case.inputs.named))
    for found, expected in zip(case.inputs(program.module()), case.inputs(network), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.long
@torch.no_grad()
def test_onnx(case: Case) -> None:
    network = case.derived(case.architectures[1])
    args, named = case.inputs.args, dict(case.inputs.named)
    with quiet():
        program = torch.onnx.export(network, args, kwargs=named, dynamo=True, verbose=False)
    assert program is not None
    for found, expected in zip(case.inputs(program), case.inputs(network), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
