"""Settings by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pdas.methods.settings import SearchSettings
from pdas.searches.presets import PRESETS, settings_of
from pdas.support.errors import SettingError


def preset(name: str, trains: bool = True, **overrides: Any) -> SearchSettings:
    return settings_of(None, name, None, overrides, trains)


def test_the_papers_are_the_defaults_of_the_settings() -> None:
    assert preset("paper") == SearchSettings()


def test_every_preset_has_values_that_fit() -> None:
    for name, values in PRESETS.items():
        found = preset(name).model_dump()
        for key, value in values.items():
            inner = isinstance(value, Mapping)
            assert value.items() <= found[key].items() if inner else value == found[key]


def test_no_finalists_where_they_cannot_be_trained() -> None:
    bare, whole = preset("default", trains=False), preset("default")
    assert whole.finalists > 0 < whole.finalists_share
    assert bare == whole.model_copy(update={"finalists": 0, "finalists_share": 0.0})


@pytest.mark.parametrize(("method", "kept"), [("rsps", 100), ("enas", 10), ("evolution", 0)])
def test_finalists_that_are_judged_with_shared_weights_need_no_training(
    method: str, kept: int
) -> None:
    found = settings_of(None, None, method, {}, derivable=False)
    assert (found.finalists, found.finalists_share) == (kept, 0.0)
    assert settings_of(None, None, method, {"finalists": 0}, derivable=False).finalists == 0


def test_epochs_of_finalists_where_there_are_none() -> None:
    assert preset("default", finalists_epochs=4).finalists_epochs == 4
    with pytest.raises(SettingError, match="found 4, while no finalist can be trained"):
        preset("default", trains=False, finalists_epochs=4)
    for name, overrides in (("paper", {}), ("default", {"finalists": 0})):
        with pytest.raises(SettingError, match="found finalists_epochs = 4, while"):
            preset(name, finalists_epochs=4, **overrides)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_updates_the_weights_has_a_rate_of_its_own(name: str, optimizer: str) -> None:
    rates = {"sgd": 0.025, "adamw": 0.003}
    assert preset(name, optimizer=optimizer).optimizer.learning_rate == rates[optimizer]
    values = {"name": optimizer, "learning_rate": 0.5}
    assert preset(name, optimizer=values).optimizer.learning_rate == 0.5


@pytest.mark.parametrize(("name", "optimizer"), [("default", "adamw"), ("paper", "sgd")])
def test_single_settings_of_a_component_leave_the_others(name: str, optimizer: str) -> None:
    found = preset(name, optimizer={"learning_rate": 0.5}, method={"alpha": 2.0})
    plain = preset(name)
    assert found.optimizer == plain.optimizer.model_copy(update={"learning_rate": 0.5})
    assert found.optimizer.name == optimizer
    assert found.method == plain.method.model_copy(update={"alpha": 2.0})
    assert settings_of(plain, None, None, {"optimizer": {"learning_rate": 0.5}}, True) == (
        plain.model_copy(update={"optimizer": found.optimizer})
    )


def test_more_samples_than_theta_has_are_its_samples() -> None:
    assert preset("default", samples=4).theta_samples == preset("default").theta_samples
    assert preset("default", samples=16).theta_samples == 16
    assert preset("paper", samples=16).theta_samples is None
    with pytest.raises(SettingError, match="found theta_samples = 8 and samples = 16"):
        preset("default", samples=16, theta_samples=8)


@pytest.mark.parametrize(
    ("overrides", "epochs", "steps"),
    [({}, 200, None), ({"steps": 7}, None, 7), ({"epochs": 7}, 7, None)],
)
def test_one_length_takes_the_place_of_the_other(
    overrides: dict[str, int], epochs: int | None, steps: int | None
) -> None:
    for found in (
        preset("default", **overrides),
        settings_of(SearchSettings(), None, None, overrides, derivable=True),
    ):
        assert (found.epochs, found.steps) == (epochs, steps)
    by_steps = SearchSettings(epochs=None, steps=3)
    assert settings_of(by_steps, None, None, {"epochs": 2}, derivable=True).steps is None


def test_given_settings_take_the_place_of_the_preset() -> None:
    given = SearchSettings(optimizer="adamw", finalists=4, finalists_share=0.1)
    assert settings_of(given, None, None, {}, derivable=False) == given
    changed = settings_of(given, None, None, {"finalists": 6}, derivable=True)
    assert changed == given.model_copy(update={"finalists": 6})


def test_an_unknown_one_is_named() -> None:
    with pytest.raises(SettingError, match=r"^preset: found 'fast', expected one of default, pap"):
        preset("fast")
    with pytest.raises(SettingError, match="there is no such setting"):
        preset("default", warm_up=0.3)


def test_a_preset_beside_settings_is_refused() -> None:
    with pytest.raises(SettingError, match="preset: found 'paper' beside settings, expected one"):
        settings_of(SearchSettings(), "paper", None, {}, derivable=True)


def test_without_finalists_nothing_is_set_aside_for_them() -> None:
    assert preset("default", finalists=0).finalists_share == 0


@pytest.mark.parametrize(
    "wrong", [{"samples": "4.5"}, {"samples": None}, {"optimizer": ["adamw"]}, {"optimizer": None}]
)
def test_values_of_another_kind_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=rf"search\.{next(iter(wrong))}"):
        preset("default", **wrong)
