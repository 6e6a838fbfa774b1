"""Rows differ in how the architecture is chosen, and in nothing else."""

from __future__ import annotations

import pytest

from pdas import recipes
from pdas.comparing.rows import CHOOSING, check_changes, names_of, row
from pdas.searches.presets import PRESETS
from pdas.support.errors import SettingError
from pdas.support.settings import flat

RECIPE = recipes.load("inpaint-photos")  # with a method of its own settings


@pytest.mark.parametrize("name", ["pdas", "pdas-paper", "random"])
def test_all_but_the_choosing_is_that_of_the_recipe(name: str) -> None:
    own, base = (flat(each.model_dump()) for each in (row(name, RECIPE, "equal").recipe, RECIPE))
    chosen = tuple(f"search.{each}" for each in CHOOSING)
    differing = [key for key in {**own, **base} if own.get(key) != base.get(key)]
    assert all(key.startswith(chosen) for key in differing)


def test_pdas_is_the_default_preset_without_its_optimizer() -> None:
    search = row("pdas", RECIPE, "equal").recipe.search
    for name, value in PRESETS["default"].items():
        if name not in ("method", "optimizer"):
            assert getattr(search, name) == value
    assert search.method.eta_scale == PRESETS["default"]["method"]["eta_scale"]  # type: ignore[attr-defined]
    assert search.optimizer == RECIPE.search.optimizer


def test_pdas_of_the_paper_has_neither_warm_up_nor_finalists() -> None:
    search = row("pdas-paper", RECIPE, "equal").recipe.search
    assert (search.warmup, search.finalists, search.theta_samples, search.samples) == (
        0,
        0,
        None,
        2,
    )


@pytest.mark.parametrize(
    ("name", "equal", "published"),
    [
        ("pdas", "own default", "own default"),
        ("nas", "reduced", "published length"),
        ("renas-like", "reduced", "reduced"),  # it has no published length
        ("mixture", "unpublished", "unpublished"),
        ("eas", "own space", "own space"),
        ("darts-2", "as published", "as published"),
    ],
)
def test_a_reduced_method_is_no_more_so_at_its_published_length(
    name: str, equal: str, published: str
) -> None:
    assert row(name, RECIPE, "equal").form == equal
    assert row(name, RECIPE, "published").form == published


def test_a_row_has_no_setting_that_means_nothing_to_its_method() -> None:
    recipe = recipes.load("digits", ["search.max_minutes=7", "search.mask_inactive=true"])
    names = ("pdas", "random", "darts-1", "plain:resnet18")
    search = [row(name, recipe, "equal").recipe.search for name in names]
    assert [each.max_minutes for each in search] == [7, None, 7, None]
    assert [each.mask_inactive for each in search] == [True, False, False, False]


def test_a_plain_network_is_trained_as_the_found_ones() -> None:
    recipe = recipes.load("digits")
    plain = row("plain:resnet18:pretrained", recipe, "equal")
    assert plain.directory == "plain-resnet18-pretrained" and plain.form == "plain network"
    assert plain.recipe.network.model_dump() == {
        "space": "zoo",
        "networks": ("resnet18",),
        "pretrained": True,
    }
    assert (plain.recipe.retrain, plain.recipe.data) == (recipe.retrain, recipe.data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--methods: found '', expected some of"),
        ("pdas,foo", "--methods: found 'foo', expected one of "),
    ],
)
def test_names_that_are_none(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        names_of(text)


def test_a_name_counts_once() -> None:
    assert names_of("random, pdas,random") == ["random", "pdas"]


def test_plain_networks_are_classifiers_of_a_known_name() -> None:
    with pytest.raises(SettingError, match=r"plain network: found 'resnet1', .*resnet18"):
        row("plain:resnet1", recipes.load("digits"), "equal")
    with pytest.raises(SettingError, match=r"--methods: found plain:resnet18, .* for inpainting"):
        row("plain:resnet18", RECIPE, "equal")


@pytest.mark.parametrize("change", ["search.samples=4", "search.method.eta=1", "search.method=x"])
def test_a_setting_that_each_method_has_is_refused(change: str) -> None:
    with pytest.raises(SettingError, match="found a setting that each method has for itself"):
        check_changes([change])
    check_changes(["search.epochs=3", "search.optimizer.learning_rate=0.1", "retrain.epochs=1"])
