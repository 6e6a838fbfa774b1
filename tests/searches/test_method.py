"""The method of a search: by its name, its settings, as an optimizer or by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.fixed import Fixed
from pdas.methods.pdas.method import PdasSettings
from pdas.nn import Choice, Supernet
from pdas.support.errors import SettingError
from tests.testing.evolution import Evolution


def net() -> Supernet:
    torch.manual_seed(0)
    sizes = {str(n): nn.Sequential(nn.Linear(1, n), nn.Linear(n, 1)) for n in (1, 4, 16)}
    acts = {"none": nn.Identity(), "tanh": nn.Tanh()}
    return Supernet(nn.Sequential(Choice("hidden", sizes), Choice("act", acts)))


def data() -> TensorDataset:
    x = torch.linspace(-1, 1, 80).unsqueeze(1)
    return TensorDataset(x, 2 * x)


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def searched(supernet: Supernet | None = None, **arguments: Any) -> pdas.SearchResult:
    settings = {"preset": "paper", "steps": 8, "batch_size": 10} | arguments
    return pdas.search(supernet or net(), loss, data(), **settings)


def test_each_way_to_name_the_default_computes_the_same() -> None:
    optimizer = pdas.PDAS(net().space, seed=0)
    ways: list[Any] = [
        None,
        "pdas",
        {"name": "pdas"},
        {"eta": "adaptive"},
        PdasSettings(),
        optimizer,
        pdas.Sampled(pdas.PDAS(net().space, seed=0)),
    ]
    results = [searched(method=way) for way in ways]
    for result in results:
        assert np.array_equal(result.theta, results[0].theta)
        assert result.architecture == results[0].architecture
    assert results[5].optimizer is optimizer
    assert results[6].method is ways[6]


def test_settings_of_the_method_reach_it() -> None:
    whole, half, fixed = (
        searched(method=method).optimizer.measures()["eta"]
        for method in ("pdas", {"eta_scale": 0.25}, {"name": "pdas", "eta": 0.01})
    )
    assert whole == pytest.approx(4 * half, rel=0.5) and fixed == 0.01


def test_random_draws_an_architecture_without_a_step() -> None:
    steps: list[Any] = []
    supernet = net()
    before = supernet.state_dict()
    found = [
        searched(supernet, method="random", seed=seed, on_step=steps.append) for seed in range(20)
    ]
    assert not steps and all(isinstance(result.method, Fixed) for result in found)
    assert all(torch.equal(before[name], w) for name, w in supernet.state_dict().items())
    assert len({result.architecture for result in found}) > 3
    assert found[0].history == [] and found[0].theta == []
    again = searched(net(), method="random", seed=0)
    assert again.architecture == found[0].architecture


def test_random_keeps_to_all_limits() -> None:
    supernet = net()
    parameters = supernet.cost("parameters")
    limits = [pdas.Limit(parameters, 13), pdas.Limit(straight(supernet), 0)]
    for seed in range(20):
        result = searched(supernet, method="random", seed=seed, limit=limits)
        assert all(limit.holds(result.architecture) for limit in limits)
    with pytest.raises(SettingError, match="limit: found no architecture within it"):
        searched(supernet, method="random", limit=pdas.Limit(parameters, 3))


def straight(supernet: Supernet) -> Any:
    """A cost of 1 for a curve."""
    return pdas.cost.FunctionCost(supernet.space, lambda a: float(a["act"] == "tanh"))


def test_two_limits_hold_at_once() -> None:
    supernet = net()
    x = data()[:10][0]
    parameters, additions = supernet.cost("parameters"), supernet.cost("multiply_adds", x)
    wide = supernet.space.architecture({"hidden": "4", "act": "tanh"})
    limits = [
        pdas.Limit(straight(supernet), 0),
        pdas.Limit(additions, additions(wide)),
        pdas.Limit(parameters, 13),
    ]
    trained: list[pdas.Architecture] = []
    optimizer = Kept(supernet.space, trained)
    result = searched(supernet, method=optimizer, limit=limits, steps=30)
    assert trained and all(limit.holds(a) for a in trained for limit in limits)
    assert all(limit.holds(result.architecture) for limit in limits)
    assert {str(a["hidden"]) for a in trained} == {"1", "4"}
    assert 0.2 < result.history[-1].measures["rejection_rate"] < 0.9


class Kept(pdas.PDAS):
    """Keeps the architectures that it is told the losses of."""

    def __init__(self, space: pdas.SearchSpace, told: list[pdas.Architecture]) -> None:
        super().__init__(space, seed=0)
        self._told = told

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        self._told.extend(architectures)
        super().tell(architectures, losses, active)


def test_limits_that_no_architecture_meets_together_are_named() -> None:
    supernet = net()
    narrow = pdas.Limit(supernet.cost("parameters"), 4)
    wide = pdas.Limit(pdas.cost.FunctionCost(supernet.space, lambda a: -float(a["hidden"])), -4)
    for limit in (narrow, wide):
        assert searched(supernet, limit=limit).architecture
    with pytest.raises(SettingError, match="limit: found no architecture within all limits"):
        searched(supernet, limit=[narrow, wide])


def test_an_optimizer_without_a_distribution_is_searched_with() -> None:
    supernet = net()
    cost = supernet.cost("parameters")
    result = searched(
        supernet, method=Evolution(supernet.space, seed=0), limit=pdas.Limit(cost, 13)
    )
    assert cost(result.architecture) <= 13
    assert result.theta == [] and isinstance(result.optimizer, Evolution)
    measured = result.history[-1].measures.keys()
    assert {"loss", "theta_loss", "rejection_rate"} <= measured
    assert not {"eta", "convergence"} & measured


class First(pdas.SearchMethod):
    """Counts its steps, and always takes the first categories."""

    def begin(self, context: Any) -> None:
        self.context = context
        self.steps = 0

    def step(self, weight_batch: Any, theta_batch: Any | None) -> Mapping[str, float]:
        self.steps += 1
        return {"loss": 0.5, "theta_loss": 1.0 / self.steps}

    def best(self) -> pdas.Architecture:
        return self.context.space.architecture([0] * len(self.context.space))

    def measures(self) -> Mapping[str, float]:
        return {"counted": float(self.steps)}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def test_a_method_by_itself_runs_the_steps() -> None:
    method = First()
    result = searched(method=method, train_weights=False)
    assert method.steps == 8 and result.method is method
    assert result.architecture.to_dict() == {"hidden": "1", "act": "none"}
    assert result.history[-1].measures == {
        "loss": 0.5,
        "theta_loss": pytest.approx(np.mean([1 / n for n in (5, 6, 7, 8)])),
        "counted": 8.0,
    }
    with pytest.raises(AttributeError):
        result.optimizer  # noqa: B018 - it has none


@pytest.mark.parametrize("name", ["limit", "penalty"])
def test_a_method_that_draws_nothing_has_no_room_for_a_cost(name: str) -> None:
    supernet = net()
    cost = supernet.cost("parameters")
    value = {"limit": pdas.Limit(cost, 13), "penalty": pdas.Penalty(cost, 4, 1)}[name]
    with pytest.raises(SettingError, match=f"{name}: found one beside First, .* leave out {name}="):
        searched(supernet, method=First(), **{name: value})


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("annealing", r"search\.method: found 'annealing', expected one of .*pdas"),
        ({"name": "annealing"}, r"search\.method\.name: found 'annealing', expected one of "),
        ({"name": "pdas", "eta": -1}, r"search\.method\.eta: found -1, expected 'adaptive', 'fi"),
        ({"name": "pdas", "eta": "slow"}, r"search\.method\.eta: found 'slow', expected 'adap"),
        ({"eta_scale": 2}, r"search\.method\.eta_scale: found 2, expected a number of at most 1"),
        ({"name": "random", "alpha": 2}, r"search\.method\.alpha: there is no such setting"),
        ({"name": "base"}, r"search\.method\.like: "),
        ("nowhere:Thing", r"search\.method: found 'nowhere:Thing' .*expected MODULE:NAME"),
        (3, "method: found int without ask, tell, best"),
        (pdas.PDAS, "method: found the class PDAS, expected a method's name"),
        (First, "method: found the class First, expected a method's name"),
    ],
)
def test_what_is_no_method_is_named(method: Any, message: str) -> None:
    with pytest.raises(SettingError, match=f"^{message}") as caught:
        searched(method=method)
    assert "\n" not in str(caught.value)


def test_too_few_samples_for_the_method_are_named() -> None:
    with pytest.raises(SettingError, match=r"^search\.samples: found 1, expected at least 2, wh"):
        searched(samples=1)
    supernet = net()
    result = searched(supernet, method=Evolution(supernet.space, seed=0), samples=1)
    assert result.history[-1].step == 8
