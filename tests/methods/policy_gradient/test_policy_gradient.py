"""How policies learn, against the formulas written out."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.components import METHODS, MethodRequest
from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.policy_gradient.lstm_policy import LSTMPolicy
from pdas.methods.policy_gradient.optimizer import Learning, PolicyGradient
from pdas.methods.policy_gradient.product_policy import ProductPolicy
from pdas.nn import Choice, Supernet
from pdas.testing import MethodCase, MethodTests, OptimizerTests
from pdas.testing.optimizers import SPACE

QUICK = Learning(batch=10, learning_rate=0.01, decay=0.9)


def product(space: pdas.SearchSpace, seed: int, **learning: Any) -> PolicyGradient:
    policy = ProductPolicy(space.sizes.tolist(), seed=seed)
    return PolicyGradient(space, policy, Learning(**learning), seed=seed)


class TestProduct(OptimizerTests):
    @pytest.fixture
    def make(self) -> Any:
        return lambda space, seed: product(
            space, seed, batch=5, decay=0.9, corrected=True, learning_rate=0.05
        )


class TestControllers(OptimizerTests):
    @pytest.fixture(params=["enas-plain", pytest.param("nasnet", marks=pytest.mark.long)])
    def make(self, request: Any) -> Any:
        settings = METHODS[request.param]()
        choice = {"choice": "observed"}

        def made(space: pdas.SearchSpace, seed: int) -> PolicyGradient:
            optimizer = settings.build(MethodRequest(space, seed=seed, samples=2))
            assert isinstance(optimizer, PolicyGradient)
            optimizer._choice = choice["choice"]  # type: ignore[assignment]
            return optimizer

        return made


@pytest.mark.parametrize("name", ["enas-plain", pytest.param("nasnet", marks=pytest.mark.long)])
def test_the_greedy_choice_of_a_controller_finds_the_best_of_a_small_space(name: str) -> None:
    optimizer: Any = METHODS[name]().build(MethodRequest(SPACE, seed=0, samples=2))
    target = SPACE.architecture([2, 0, 0, 3])
    for _ in range(600 if name == "enas-plain" else 1500):
        asked = optimizer.ask(2)
        optimizer.tell(asked, [np.mean(a.indices != target.indices) for a in asked])
    assert optimizer.greedy() == target


def test_reinforce_is_the_gradient_of_the_formula() -> None:
    """-mean((R - b) ln p), with b after each reward, by plain SGD instead of Adam."""
    space = pdas.SearchSpace({"a": range(3), "b": range(2)})
    learning = Learning(batch=4, decay=0.9, entropy=0.1, power=3)
    optimizer = PolicyGradient(space, LSTMPolicy([3, 2], hidden=5), learning, seed=1)
    optimizer._adam = torch.optim.SGD(optimizer.policy.parameters(), lr=0.5)  # type: ignore[assignment]
    twin = copy.deepcopy(optimizer.policy)
    asked, losses = optimizer.ask(4), [0.1, 0.6, 0.3, 0.8]
    optimizer.tell(asked, losses)

    drawn = twin.evaluate(np.array([a.indices for a in asked]))
    b, terms = 0.0, []
    for loss, entropy, log_p in zip(losses, drawn.entropy, drawn.log_prob, strict=True):
        R = (1 - loss) ** 3 + 0.1 * float(entropy.detach())
        b = 0.9 * b + 0.1 * R
        terms.append((R - b) * log_p)
    (-torch.stack(terms).mean()).backward()  # type: ignore[no-untyped-call]
    for found, weight in zip(optimizer.policy.parameters(), twin.parameters(), strict=True):
        grad = 0.0 if weight.grad is None else weight.grad  # nothing reads the last embedding
        torch.testing.assert_close(found, weight - 0.5 * grad)
    assert optimizer.measures()["baseline"] == pytest.approx(b)


def test_the_cube_of_an_accuracy() -> None:
    space = pdas.SearchSpace({"a": range(3)})
    optimizer = product(space, 0, batch=1, decay=0.0, power=3)
    optimizer.tell(optimizer.ask(1), [0.1])
    assert optimizer.measures()["baseline"] == pytest.approx(0.729)


def test_one_pass_of_ppo_is_reinforce() -> None:
    """At the old policy r = 1 and is not clipped, so the gradient is that of A ln p."""
    space = pdas.SearchSpace({"a": range(3), "b": range(4)})
    one, other = product(space, 3, batch=6), product(space, 3, batch=6, passes=1)
    asked, losses = one.ask(6), [0.1, 0.9, 0.4, 0.3, 0.8, 0.2]
    one.tell(asked, losses)
    other.tell(asked, losses)
    for found, expected in zip(other.policy.parameters(), one.policy.parameters(), strict=True):
        torch.testing.assert_close(found, expected)


def test_ppo_stops_where_the_ratio_leaves_the_clip() -> None:
    """With one architecture of advantage, p grows by about 1 + c, however many passes."""
    space = pdas.SearchSpace({"a": range(4)})

    def grown(passes: int) -> float:
        optimizer = product(space, 0, batch=1, passes=passes, learning_rate=0.02, decay=0.5)
        row = np.array([[2]])
        before = float(optimizer.policy.evaluate(row).log_prob.detach())
        optimizer.tell(space.architectures(row), [0.0])
        return float(np.exp(float(optimizer.policy.evaluate(row).log_prob.detach()) - before))

    assert 1.05 < grown(5) < 1.2
    assert 1.2 < grown(200) < 1.7  # Adam coasts on for some steps; without the clip it is 4


def test_a_full_batch_makes_an_update_and_the_rest_waits() -> None:
    optimizer = product(SPACE, 0, batch=4)
    start = [weight.detach().clone() for weight in optimizer.policy.parameters()]
    optimizer.tell(optimizer.ask(3), [0.1, 0.2, 0.3])
    assert all(map(torch.equal, start, optimizer.policy.parameters()))
    optimizer.tell(optimizer.ask(6), [0.1 * i for i in range(6)])
    assert not all(map(torch.equal, start, optimizer.policy.parameters()))
    assert len(optimizer.state_dict()["buffer"]) == 1


def test_within_a_limit() -> None:
    class Cost:
        space = SPACE

        def __call__(self, architecture: pdas.Architecture) -> float:
            return float(architecture.indices[3])

    optimizer = Limited(product(SPACE, 0, batch=10), Limit(Cost(), 3))
    for _ in range(60):
        asked = optimizer.ask(2)
        assert all(a.indices[3] <= 3 for a in asked)
        optimizer.tell(asked, [float(-a.indices[3]) for a in asked])
    assert optimizer.best()["depth"] == 3
    assert all(a.indices[3] <= 3 for a in optimizer.finalists(5))


def data() -> TensorDataset:
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long())


def loss(model: Any, batch: Any) -> dict[str, torch.Tensor]:
    logits = model(batch[0])
    right = (logits.detach().argmax(1) == batch[1]).float().mean()
    return {"loss": nn.functional.cross_entropy(logits, batch[1]), "accuracy": right}


def own_network() -> Supernet:
    torch.manual_seed(0)
    layers = [
        nn.Linear(4, 8),
        Choice("first", {"relu": nn.ReLU(), "none": nn.Identity(), "tanh": nn.Tanh()}),
        nn.Linear(8, 8),
        Choice("second", {"relu": nn.ReLU(), "none": nn.Identity()}),
        nn.Linear(8, 2),
    ]
    return Supernet(nn.Sequential(*layers))


class TestEnas(MethodTests):
    @pytest.fixture(params=["enas", "enas-plain"])
    def case(self, request: Any) -> Any:
        def make() -> MethodCase:
            def method(net: Any) -> Any:
                settings = METHODS[request.param]()
                optimizer: Any = settings.build(MethodRequest(net.space, seed=0, samples=1))
                return settings.driver(optimizer, optimizer)

            return MethodCase(method, own_network(), loss, data(), {"samples": 1})

        return make


def test_enas_is_found_by_its_name_and_compares_ten_finalists() -> None:
    net = own_network()
    result = pdas.search(net, loss, data(), method="enas", preset="paper", epochs=40, batch_size=10)
    assert len(result.finalists) == 6  # all networks that there are
    assert result.architecture == result.finalists[0].architecture
    assert {"entropy", "baseline", "theta_accuracy"} <= result.history[0].measures.keys()
