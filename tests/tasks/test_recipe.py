"""The defaults are the paper's, and nothing else than valid settings exists."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pdas import recipes
from pdas.methods.settings import SearchSettings
from pdas.spaces.autoencoders.settings import AutoencoderSettings
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.support.errors import SettingError
from pdas.support.settings import one_line
from pdas.tasks.classification.recipe import ClassificationRecipe


def test_the_defaults_are_those_of_the_paper_recipe() -> None:
    paper = recipes.load("cifar10")
    assert ClassificationRecipe(name=paper.name, description=paper.description) == paper


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SearchSettings().epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0, -1, "fast", None])
def test_a_value_out_of_range_is_named_in_one_line(value: object) -> None:
    with pytest.raises(ValidationError) as error:
        SearchSettings(optimizer={"learning_rate": value})  # type: ignore[arg-type]
    line = one_line(error.value, SearchSettings, "search")
    assert line.startswith(f"search.optimizer.learning_rate: found {value!r}, expected ")
    assert "\n" not in line


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValidationError) as error:
        ClassificationRecipe.model_validate({"name": "mine", "search": {"epoch": 3}})
    line = one_line(error.value, ClassificationRecipe)
    assert line.startswith("search.epoch: there is no such setting, expected one of epochs, ")
    assert line.endswith("; did you mean epochs?") and "weight_limit" not in line


def test_an_unknown_setting_of_a_network_is_answered_by_those_it_has() -> None:
    names = ", ".join(AutoencoderSettings.model_fields)
    with pytest.raises(SettingError, match=rf"depth: there is no .*, expected one of {names}$"):
        AutoencoderSupernet(depth=3)
