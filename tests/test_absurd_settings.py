"""Any number, in any setting of any recipe: it is taken, or refused in one line, at once."""

from __future__ import annotations

from typing import Any

import pytest

from pdas import PDAS, SearchSpace, recipes
from pdas.experiment.experiment import Experiment
from pdas.methods.settings import SearchSettings
from pdas.support.errors import PdasError, SettingError
from pdas.support.settings import LARGEST_NUMBER, flat
from pdas.tasks.loading import recipe_space
from tests.waiting import never_waits

ABSURD = [
    *("99999999999999999999", "-99999999999999999999", "9" * 400, "-" + "9" * 400),
    *(".nan", ".inf", "-.inf", "1e400", "1e38", "1e18", "-1", "0", "1000000000", "1" * 18),
    *("[99999999999999999999]", "[1.0e+300]", "[.nan]", "{a: 1}", "x" * 1000, "null", "''"),
]
RECIPES = {name: recipes.load(name) for name in recipes.names()}
SETTINGS = {  # each once: most recipes have the same ones
    (type(recipe), type(recipe.network), key): (name, key)
    for name, recipe in RECIPES.items()
    for key in flat(recipe.model_dump(mode="json"))
}.values()


@pytest.mark.parametrize(("name", "key"), SETTINGS)
def test_any_number_in_any_setting_ends_at_once(name: str, key: str) -> None:
    for value in ABSURD:
        with never_waits():
            try:
                recipe = recipes.change(RECIPES[name], [f"{key}={value}"])
                recipe_space(recipe)
                Experiment(recipe)
            except PdasError as error:
                assert str(error).isprintable() and len(str(error)) < 1000, value


@pytest.mark.parametrize("value", [10**19, -(10**19), 10**400, 1e19, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["epochs", "batch_size", "warmup", "clip", "samples", "patience"])
def test_a_number_that_is_no_sensible_one_is_refused(name: str, value: Any) -> None:
    with pytest.raises((SettingError, ValueError)) as error:
        SearchSettings(**{name: value})
    assert name in str(error.value)
    with pytest.raises(SettingError, match=f"^search.{name}: |^--set search.{name}: "):
        recipes.load("digits", [f"search.{name}={value}"])


def test_large_numbers_that_only_take_long_are_taken() -> None:
    for key in ("search.epochs", "search.warmup", "data.memory_limit", "retrain.weight_limit"):
        recipes.load("digits", [f"{key}={LARGEST_NUMBER}"])


SPACE = SearchSpace({"op": ["a", "b"]})


@pytest.mark.parametrize("value", [10**20, 10**400, -1, 0, float("nan"), float("inf"), "x", None])
@pytest.mark.parametrize("name", ["samples", "eta", "alpha", "eta_scale"])
def test_the_arguments_of_an_optimizer(name: str, value: Any) -> None:
    if (name, value) in {("eta", 10**20), ("alpha", 10**20)}:
        return
    with pytest.raises(SettingError, match=f"^{name}: found ") as error:
        PDAS(SPACE, **{name: value})
    assert len(str(error.value)) < 500
