"""Limit and penalty of a recipe, for every family, as a user writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pdas import recipes
from pdas.experiment.experiment import Experiment
from pdas.space import Architecture
from pdas.support.errors import SettingError
from pdas.tasks.constraints import Costs, limits_of, penalty_of
from pdas.tasks.loading import open_task, recipe_space
from pdas.tasks.recipe import Recipe
from tests.conftest import TINY, TINY_INPAINTING

RECIPES = {"digits": (*TINY, "search.epochs=1"), "inpaint-photos": TINY_INPAINTING}
COSTS = ("parameters", "multiply_adds")


def costs_of(recipe: Recipe) -> Costs:
    task = open_task(recipe, None, torch.device("cpu"))

    def measured() -> Any:
        raise AssertionError("no latency was asked for")

    return Costs(task.supernet, task.example, measured)


def middle(recipe: Recipe, name: Any) -> float:
    """A cost that half of the architectures are under."""
    cost, rng = costs_of(recipe)[name], np.random.default_rng(0)
    return float(np.median([cost(recipe_space(recipe).uniform(rng)) for _ in range(50)]))


def found(recipe: Recipe, out: Path) -> Architecture:
    run = Experiment(recipe).search(out)
    return recipe_space(recipe).load(run.architecture_file())


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("kinds", [COSTS[:1], COSTS[1:], COSTS])
def test_a_search_keeps_its_limits(name: str, kinds: tuple[Any, ...], tmp_path: Path) -> None:
    recipe = recipes.load(name, RECIPES[name])
    limits = [{"cost": kind, "maximum": middle(recipe, kind)} for kind in kinds]
    value = limits[0] if len(limits) == 1 else limits
    limited = recipes.change(recipe, recipes.as_changes({"search.limit": value}))
    assert [each.model_dump() for each in limited.search.limit] == limits
    assert limits_of(limited.search, costs_of(limited))[0].maximum == limits[0]["maximum"]
    architecture = found(limited, tmp_path / "run")
    for limit in limits:
        assert costs_of(recipe)[limit["cost"]](architecture) <= limit["maximum"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_random_architecture_is_within_both_limits(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name, (*RECIPES[name], "search.method=random"))
    limits = [{"cost": kind, "maximum": middle(recipe, kind)} for kind in COSTS]
    limited = recipes.change(recipe, recipes.as_changes({"search.limit": limits}))
    for seed in range(3):
        run = Experiment(limited, seed).search(tmp_path / str(seed))
        architecture = recipe_space(recipe).load(run.architecture_file())
        for limit in limits:
            assert costs_of(recipe)[limit["cost"]](architecture) <= limit["maximum"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_penalty_is_searched_with(name: str, tmp_path: Path) -> None:
    more = ("search.steps=12",) if name == "inpaint-photos" else ()
    recipe = recipes.load(name, (*RECIPES[name], *more))
    penalty = {"cost": "parameters", "target": middle(recipe, "parameters") / 4, "weight": 50.0}
    penalised = recipes.change(recipe, recipes.as_changes({"search.penalty": penalty}))
    made = penalty_of(penalised.search, costs_of(penalised))
    assert made is not None and (made.target, made.weight) == (penalty["target"], 50.0)
    Experiment(penalised).search(tmp_path / "run")
    plain = Experiment(recipe).search(tmp_path / "plain")
    theta = [np.load(tmp_path / each / "theta.npz")["theta"] for each in ("run", "plain")]
    assert plain.path.exists() and not np.array_equal(*theta)


def test_costs_build_no_network_unless_they_are_asked_for() -> None:
    def never() -> Any:
        raise AssertionError("not reached")

    search = recipes.load("digits").search
    costs = Costs(never, torch.zeros(1), never)
    assert limits_of(search, costs) == () and penalty_of(search, costs) is None


@pytest.mark.filterwarnings("ignore:latency. found sums that are off")  # it is measured in earnest
def test_a_latency_is_measured_once_and_kept(tmp_path: Path) -> None:
    limit = {"cost": "latency", "maximum": 1e5}
    penalty = {"cost": "latency", "target": 5e4, "weight": 0.1}
    changes = recipes.as_changes({"search.limit": limit, "search.penalty": penalty})
    recipe = recipes.load("digits", (*RECIPES["digits"], *changes))
    run = Experiment(recipe).search(tmp_path / "run")
    kept = run.read_json("latency.json")
    assert kept["unit"] == "ms" and kept["inputs"] == "(1, 1, 8, 8)"
    assert set(kept["rows"]) == set(recipe_space(recipe))
    assert len(kept["checks"]) == 5 and all(measured > 0 for _, measured in kept["checks"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "search.limit=1e5",
            r"^search\.limit: found '1e5', expected one as \{cost: parameters",
        ),
        (
            "search.limit=parameters",
            r"^search\.limit: found 'parameters', expected one as \{cost: parameters",
        ),
        ("search.limit={cost: parameters}", r"^search\.limit\.0\.maximum: found none, expected"),
        ("search.limit={maximum: 1}", r"^search\.limit\.0\.cost: found none, expected a value"),
        ("search.limit={cost: weight, maximum: 1}", r"cost: found 'weight', expected 'parameters'"),
        ("search.limit={cost: latency, maximum: .inf}", r"maximum: found inf, expected a finite"),
        (
            "search.limit={cost: latency, maximum: 1, x: 2}",
            r"\.x: there is no such setting, expected one of cost, maximum$",
        ),
        (
            "search.limit=[{cost: parameters, maximum: 1}, {cost: latency, maximum: big}]",
            r"^search\.limit\.1\.maximum: found 'big', expected",
        ),
        (
            "search.penalty={cost: latency, target: 1, wait: 2}",
            r"^search\.penalty\.weight: found none, expected a value; add search\.penalty\.weight$",
        ),
        (
            "search.penalty={cost: latency, target: 1, weight: 2, x: 3}",
            r"^search\.penalty\.x: there is no such setting, expected one of cost, target, weight$",
        ),
        ("search.penalty=1", r"^search\.penalty: found 1, expected its settings by"),
        (
            "search.penalty={cost: parameters, target: 0, weight: 1}",
            r"^search\.penalty\.target: found 0, expected a number above 0",
        ),
        (
            "search.penalty={cost: parameters, target: 1, weight: -1}",
            r"^search\.penalty\.weight: found -1, expected a number above 0",
        ),
        ("search.penalty={cost: parameters, target: 1}", r"weight: found none, expected a value"),
    ],
)
@pytest.mark.parametrize("name", RECIPES)
def test_a_bad_limit_or_penalty_is_one_line(name: str, change: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as error:
        recipes.load(name, [change])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", RECIPES)
def test_a_limit_that_nothing_meets_is_refused_before_a_directory_is_made(
    name: str, tmp_path: Path
) -> None:
    limit = "search.limit={cost: parameters, maximum: 1}"
    for method in ("pdas", "random"):
        recipe = recipes.load(name, (*RECIPES[name], limit, f"search.method={method}"))
        with pytest.raises(SettingError, match=r"limit.*: found .*, expected ") as error:
            Experiment(recipe).search(tmp_path / "run")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()
