"""The mixture of a module's choices: of one candidate with weight 1 it is the candidate."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from pdas.nn import Choice, InputChoice, OptionalLayer, Supernet
from pdas.support.errors import NetworkError


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        inner = Choice("inner", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.op = Choice(
            "op", {"linear": nn.Sequential(nn.Linear(4, 4), inner), "none": nn.Identity()}
        )
        self.hidden = OptionalLayer("hidden", nn.Linear(4, 4))
        self.source = InputChoice("source", 3)

    def forward(self, x: torch.Tensor) -> Any:
        y = self.op(x)
        return self.source([x, y, self.hidden(y)])


def nested() -> Supernet:
    torch.manual_seed(0)
    return Supernet(Nested())


def test_one_hot_coefficients_are_the_architecture() -> None:
    net, x = nested(), torch.randn(5, 4)
    for number in range(2 * 2 * 2 * 3):
        digits = [number % 2, number // 2 % 2, number // 4 % 2, number // 8]
        sizes = net.space.sizes.tolist()
        indices = [digit % size for digit, size in zip(digits, sizes, strict=True)]
        one_hot = [torch.eye(K)[i] for i, K in zip(indices, sizes, strict=True)]
        expected = net(x, net.space.architecture(indices))
        torch.testing.assert_close(net.forward_mixed(x, coefficients=one_hot), expected)


def test_weights_are_those_of_a_sum() -> None:
    net, x = nested(), torch.randn(5, 4)
    p = {
        name: torch.rand(K).softmax(0)
        for name, K in zip(net.space.names, net.space.sizes, strict=True)
    }
    out = net.forward_mixed(x, coefficients=list(p.values()))
    module: Any = net.module
    linear = module.op.candidate(0)[0](x)
    act = p["inner"][0] * linear.relu() + p["inner"][1] * linear.tanh()
    y = p["op"][0] * act + p["op"][1] * x
    layer = module.hidden.candidate(0)(y)
    index = list(net.space["hidden"]).index(True) if True in net.space["hidden"] else 1
    hidden = p["hidden"][index] * layer + p["hidden"][1 - index] * y
    torch.testing.assert_close(
        out, p["source"][0] * x + p["source"][1] * y + p["source"][2] * hidden
    )


def test_afterwards_the_network_is_as_before() -> None:
    net, x = nested(), torch.randn(5, 4)
    a = net.space.architecture([0] * len(net.space))
    before = net(x, a)
    relaxation = net.relaxation()
    net.forward_mixed(x, coefficients=relaxation.coefficients(torch.zeros(relaxation.size)))
    torch.testing.assert_close(net(x, a), before)
    assert not [m for m in net.modules() if "forward" in m.__dict__]


def test_candidates_of_other_shapes_are_refused_by_name() -> None:
    net = Supernet(Choice("width", {"small": nn.Linear(4, 2), "large": nn.Linear(4, 3)}))
    with pytest.raises(
        NetworkError, match=r"Choice 'width'.* outputs of shapes \(5, 2\) and \(5, 3\)"
    ):
        net.forward_mixed(torch.randn(5, 4), coefficients=[torch.tensor([0.5, 0.5])])


def test_the_relaxation_of_variables() -> None:
    net = nested()
    relaxation = net.relaxation()
    logits = torch.randn(relaxation.size)
    theta = relaxation.theta(logits)
    starts = [0, *net.space.sizes.cumsum().tolist()]
    modes = [int(theta[a:b].argmax()) for a, b in itertools.pairwise(starts)]
    assert relaxation.architecture(logits).indices.tolist() == modes
    assert [round(float(theta[a:b].sum()), 9) for a, b in itertools.pairwise(starts)] == [1.0] * 4


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mul_(2)


def test_a_candidate_that_works_in_place_is_refused_by_its_choice() -> None:
    net = Supernet(nn.Sequential(Choice("op", {"a": Doubled(), "b": nn.Identity()})))
    with pytest.raises(NetworkError, match=r"Choice 'op' at .*changed its input in place"):
        net.forward_mixed(torch.ones(2), coefficients=[torch.tensor([0.5, 0.5])])


def test_what_runs_again_in_the_backward_pass_is_refused() -> None:
    class Recomputed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.op = Choice("op", {"a": nn.Tanh(), "b": nn.Sigmoid()})

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = checkpoint(self.op, x, use_reentrant=False)
            return y

    net = Supernet(Recomputed())
    x = torch.ones(2, requires_grad=True)
    out = net.forward_mixed(x, coefficients=[torch.tensor([0.5, 0.5])])
    with pytest.raises(NetworkError, match="used in the backward pass"):
        out.sum().backward()
