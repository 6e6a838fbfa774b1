"""SMASH: the local search on a table, and the search whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas import recipes
from pdas.cost import FunctionCost
from pdas.methods.components import METHODS
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.planning.plan import PlanRequest
from pdas.methods.settings import SearchSettings
from pdas.methods.smash.local_search import RandomThenLocal
from pdas.methods.smash.search_method import SmashSearch
from pdas.methods.uniform import Uniform
from pdas.nn import Choice, Supernet
from pdas.spaces.base import FAMILIES
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError
from pdas.testing import MethodCase, MethodTests

SPACE = pdas.SearchSpace({f"x{i}": range(5) for i in range(12)})


def loss_of(architecture: pdas.Architecture) -> float:
    return float(architecture.indices.sum())


def test_on_a_table_it_beats_as_many_random_draws() -> None:
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        draws = Uniform(SPACE, seed=seed)
        found = RandomThenLocal(500, 100, 100)(
            draws.ask, lambda some: [loss_of(a) for a in some], rng
        )
        gains.append(min(map(loss_of, draws.ask(700))) - loss_of(found))
    assert np.mean(gains) > 3 * np.std(gains) / np.sqrt(20)


def test_it_scores_as_many_as_it_says_and_never_gets_worse() -> None:
    comparison = RandomThenLocal(30, 10, 8)
    scored: list[float] = []

    def score(some: Any) -> list[float]:
        scored.extend(map(loss_of, some))
        return [loss_of(a) for a in some]

    found = comparison(Uniform(SPACE).ask, score, np.random.default_rng(0))
    assert len(scored) == comparison.candidates == 48
    assert loss_of(found) == min(scored)


def test_changes_stay_within_what_fits_and_losses_that_are_not_finite_lose() -> None:
    first = SPACE.architecture([0] * 12)
    found = RandomThenLocal(3, 20, 20, probability=0.5)(
        lambda n: [first] * n,
        lambda some: [float("nan") if a == first else -loss_of(a) for a in some],
        np.random.default_rng(0),
        lambda a: a.indices[0] == 0,
    )
    assert found.indices[0] == 0 and found != first


def test_a_change_draws_each_variable_anew_with_the_probability() -> None:
    rng, first = np.random.default_rng(0), SPACE.architecture([2] * 12)
    comparison = RandomThenLocal(1, 0, 0, probability=0.05)
    rows = [comparison._changed(first, rng, lambda a: True).indices for _ in range(2000)]
    share = float((np.array(rows) != 2).mean())
    assert share == pytest.approx(0.05 * 4 / 5, abs=0.006)


def cells() -> Any:
    torch.manual_seed(0)
    net = CellSupernet(nodes=1, cells_per_stage=1, channels=8, in_channels=1, classes=2)
    return METHODS["smash"](name="smash").network(net)


def images() -> TensorDataset:
    x = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return TensorDataset(x, (x.flatten(1).mean(1) > 0).long())


def loss(model: Any, batch: Any) -> torch.Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


class TestSmash(MethodTests):
    @pytest.fixture
    def case(self) -> Any:
        def make() -> MethodCase:
            def method(net: Any) -> SmashSearch:
                return SmashSearch(Uniform(net.space), None, RandomThenLocal(4, 2, 2), None)

            return MethodCase(method, cells(), loss, images(), {"samples": 1})

        return make


def test_the_hypernetwork_learns_and_the_best_candidate_is_found() -> None:
    net = cells()
    before = [weight.detach().clone() for weight in net.hypernetwork.parameters()]
    passes = {True: 0, False: 0}

    def counted(model: Any, batch: Any) -> torch.Tensor:
        passes[torch.is_grad_enabled()] += 1
        return loss(model, batch)

    comparison = RandomThenLocal(4, 2, 2)
    method = SmashSearch(Uniform(net.space), None, comparison, None)
    settings = SearchSettings(epochs=10, batch_size=10, samples=1)
    result = pdas.search(net, counted, images(), method=method, settings=settings)
    assert result.architecture == method.best() == method._found
    changed = [
        torch.equal(*pair) for pair in zip(before, net.hypernetwork.parameters(), strict=True)
    ]
    assert not any(changed)
    plan = method.plan(PlanRequest(settings, per_epoch=2, theta_per_epoch=2))
    assert passes[True] == plan.steps
    assert passes[True] + passes[False] / 3 == pytest.approx(plan.cost_until(plan.steps))
    assert plan.cost_until(plan.steps) <= 10 * 2 * 2 * 4 / 3 + 1e-9


@pytest.mark.parametrize("precision", ["16-mixed", "bf16-true", "64-true"])
def test_precisions_that_lose_the_gradient_are_refused(precision: Any) -> None:
    scaled = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    given = {"plugins": scaled} if precision == "16-mixed" else {"precision": precision}
    fabric = Fabric(accelerator="cpu", devices=1, **given)
    small = {"name": "smash", "random": 4, "changed": 1, "chain": 1}
    with pytest.raises(SettingError, match=f"device.precision: found {precision}, while a hyper"):
        pdas.search(
            cells().net, loss, images(), method=small, fabric=fabric, epochs=6, batch_size=10
        )


def test_a_penalty_is_part_of_the_score_of_a_candidate() -> None:
    net, scored = cells(), []

    def cost(architecture: pdas.Architecture) -> float:
        scored.append(architecture)
        return 1.0 + float(architecture.indices.sum())

    penalty = Penalty(FunctionCost(net.space, cost), 1.0, 1e6)
    method = SmashSearch(
        Uniform(net.space),
        Penalised(Uniform(net.space), penalty),
        RandomThenLocal(6, 2, 2),
        None,
    )
    settings = SearchSettings(epochs=6, batch_size=10, samples=1)
    result = pdas.search(net, loss, images(), method=method, settings=settings)
    assert len(scored) == 10
    assert result.architecture.indices.sum() == min(each.indices.sum() for each in scored)


def test_by_its_name_on_cells() -> None:
    torch.manual_seed(0)
    net = CellSupernet(nodes=1, cells_per_stage=1, channels=8, in_channels=1, classes=2)
    small = {"name": "smash", "random": 4, "changed": 1, "chain": 1}
    result = pdas.search(net, loss, images(), method=small, preset="paper", epochs=6, batch_size=10)
    assert result.architecture.space == net.space


@pytest.mark.parametrize("kind", ["own", "auto-encoder"])
def test_what_has_no_hypernetwork_is_refused_with_what_fits(kind: str) -> None:
    if kind == "own":
        net: Any = Supernet(Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()}))
    else:
        recipe = recipes.load("inpaint-photos")
        family = FAMILIES[recipe.network.space]
        net = family.supernet(family.size(recipe.network, (3, 32, 32), 3))
    with pytest.raises(
        SettingError, match=r"search.method: found smash, .* use pdas, rsps"
    ) as caught:
        METHODS["smash"](name="smash").network(net)
    assert "\n" not in str(caught.value)


def test_a_search_that_ends_early_has_compared_its_candidates() -> None:
    net = cells()
    method = SmashSearch(Uniform(net.space), None, RandomThenLocal(4, 2, 2), None)
    settings = SearchSettings(epochs=10, batch_size=10, samples=1)
    stop = lambda progress: progress.step == 3  # noqa: E731
    result = pdas.search(net, loss, images(), method=method, settings=settings, on_step=stop)
    assert result.history[-1].step == 3
    assert result.architecture == method._found


def test_an_architecture_dropped_at_its_second_part_teaches_the_hypernetwork_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    norms: list[float] = []
    clip = nn.utils.clip_grad_norm_

    def noted(weights: Any, most: float) -> torch.Tensor:
        norms.append(float(norm := clip(weights, most)))
        return norm

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", noted)
    calls = 0

    def steep_then_broken(model: Any, batch: Any) -> torch.Tensor:
        """Of two architectures in two parts, the second one is steep, and broken at the end."""
        nonlocal calls
        if not torch.is_grad_enabled():
            return loss(model, batch)
        calls += 1
        factor = {2: 1e9, 4: math.nan}.get(calls, 1.0)
        return factor * loss(model, batch)

    net = cells()
    method = SmashSearch(Uniform(net.space), None, RandomThenLocal(4, 2, 2), None)
    settings = SearchSettings(epochs=10, batch_size=10, samples=2, accumulate=2)
    stop = lambda progress: progress.step == 1  # noqa: E731
    pdas.search(net, steep_then_broken, images(), method=method, settings=settings, on_step=stop)
    assert calls == 6
    assert 0 < norms[0] < 1e3
