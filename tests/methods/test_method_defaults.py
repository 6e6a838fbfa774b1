"""Defaults that a method has for the settings of its search, and what runs its optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import yaml

import pdas
from pdas import recipes
from pdas.methods.components import METHODS, MethodRequest, MethodSettings
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.scheduled.method import Scheduled
from pdas.methods.scheduled.schedule import Schedule
from pdas.methods.settings import SearchSettings
from pdas.runs.run import Run
from pdas.searches.method import method_for
from pdas.support.errors import SettingError
from pdas.tasks.recipe import recorded

SPACE = pdas.SearchSpace({"op": ["a", "b"]})


class Own(MethodSettings):
    search: ClassVar[dict[str, Any]] = {"samples": 1, "finalists": 7}

    name: Literal["own"] = "own"

    def build(self, request: MethodRequest) -> PDAS:
        return PDAS(request.space, seed=request.seed)

    def driver(self, optimizer: Any, learner: Any) -> Scheduled:
        return Scheduled(optimizer, learner, Schedule())


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    METHODS.names()  # all others are there first
    METHODS.add("own", Own)
    yield
    del METHODS._found["own"]


def chosen(settings: SearchSettings) -> tuple[int, int]:
    return settings.samples, settings.finalists


@pytest.mark.parametrize("method", ["own", {"name": "own"}, Own()], ids=["name", "mapping", "own"])
def test_they_hold_where_nobody_sets_them(method: Any) -> None:
    assert chosen(SearchSettings(method=method)) == (1, 7)
    assert chosen(SearchSettings(method=method, samples=3)) == (3, 7)
    assert chosen(SearchSettings()) == (2, 0)


def test_they_come_and_go_with_the_method_of_a_recipe() -> None:
    recipe = recipes.load("digits", ["search.method=own"])
    assert chosen(recipe.search) == (1, 7)
    assert chosen(recipes.change(recipe, ["search.method=pdas"]).search) == (2, 0)
    assert chosen(recipes.load("digits", ["search.method=own", "search.samples=4"]).search) == (
        4,
        7,
    )
    assert recipes.change(recipe, ["search.samples=4"]).search.finalists == 7
    again = recipes.change(recipes.change(recipe, ["search.samples=4"]), ["search.method.name=own"])
    assert chosen(again.search) == (4, 7)


def test_the_driver_of_a_named_method_runs_its_optimizer() -> None:
    settings = SearchSettings(method="own")
    assert isinstance(method_for(SPACE, None, settings, None, None, 0), Scheduled)
    alone = SearchSettings(method="own", samples=2)  # of the optimizer itself, by Algorithm 1
    assert isinstance(method_for(SPACE, PDAS(SPACE), alone, None, None, 0), pdas.Sampled)


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("rsps", "warmup=0.3"),
        ("rsps", "patience=2"),
        ("enas", "theta_samples=8"),
        ("smash", "finalists=3"),
        ("nas", 'theta_mode="eval"'),
        ("eas", "resample=true"),
        ("darts-1", "mask_inactive=true"),
        ("darts-2", "samples=7"),
        ("enas", "mask_inactive=true"),
        ("random", "stop_when_decided=0.9"),
        ("{name: base, like: x.json}", "max_minutes=2.0"),
    ],
)
def test_a_setting_that_means_nothing_to_the_method_is_refused(method: str, change: str) -> None:
    name, _, value = change.partition("=")
    with pytest.raises(SettingError, match=f"found {name} = {value}, which means nothing to"):
        recipes.load("digits", [f"search.method={method}", f"search.{change}"])


def test_what_means_nothing_to_the_next_method_goes_with_the_former_one() -> None:
    ours = recipes.load("digits", ["search.warmup=0.4", "search.patience=3"])
    assert recipes.change(ours, ["search.method=enas"]).search.warmup == 0.0
    assert recipes.change(ours, ["search.method=enas"]).search.patience == 3
    assert recipes.change(ours, ["search.method=rsps"]).search.patience is None


def test_a_run_that_was_recorded_with_one_is_read(tmp_path: Path) -> None:
    recipe = recipes.load("digits", ["search.method=random"]).model_dump(mode="json")
    recipe["search"] |= {"warmup": 0.4, "finalists": 5}
    config = {"recipe": recipe, "seed": 3, "data_dir": None}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    read, seed, _ = recorded(Run(tmp_path))
    assert (read.search.warmup, read.search.finalists, seed) == (0.0, 0, 3)


def test_a_name_that_is_no_setting_is_passed_over() -> None:
    class Typing(Own):
        unused: ClassVar[frozenset[str]] = frozenset({"warmpu"})

    assert SearchSettings(method=Typing()).warmup == 0.0
