"""A data set from a file of the user's own, by its name like any other."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from loading import labelled, restoration
from pydantic import ValidationError

from pdas import recipes
from pdas.data.base import SETS, names
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings
from pdas.support.errors import SettingError
from pdas.testing import DataSetTests

SRC = Path(recipes.__file__).parents[1]


@pytest.fixture
def blobs(monkeypatch: pytest.MonkeyPatch) -> str:
    """The set, for one test."""
    SETS.names()  # all are there
    monkeypatch.setattr(SETS, "_found", dict(SETS._found))
    importlib.reload(importlib.import_module("blobs"))
    return "blobs"


class TestBlobs(DataSetTests):
    @pytest.fixture
    def name(self, blobs: str) -> str:
        return blobs


def test_its_name_is_refused_before_it_is_registered() -> None:
    with pytest.raises(ValidationError, match="expected one of cifar10, digits, "):
        LabelledDataSettings(name="blobs")


def test_it_is_named_for_its_uses(blobs: str) -> None:
    assert blobs in names("labelled") and blobs in names("restoration")
    with pytest.raises(SettingError, match="expected one of blobs, cifar10, digits, "):
        labelled("blob")


def test_it_is_loaded_by_its_name(blobs: str) -> None:
    data = labelled(blobs)
    assert data.classes == ("left", "right")
    assert (len(data.train), len(data.test)) == (160, 40) and data.train.image_shape == (1, 16, 16)
    assert restoration(blobs).train.image_shape == (1, 32, 32)
    assert torch.equal(restoration(blobs).test.labels, data.test.labels)


@pytest.mark.parametrize(
    ("recipe", "changes", "shape"),
    [
        ("digits", ["data.image_size=8"], (1, 8, 8)),
        ("inpaint-photos", ["data.channels=1", "data.crops=null"], (1, 64, 64)),
    ],
)
def test_a_recipe_takes_it(
    blobs: str, recipe: str, changes: list[str], shape: tuple[int, int, int]
) -> None:
    data = load_images(recipes.load(recipe, [f"data.name={blobs}", *changes]).data)
    assert data.train.image_shape == shape and data.classes == ("left", "right")


def test_nothing_in_the_package_knows_it() -> None:
    assert not [file for file in SRC.rglob("*.py") if "blobs" in file.read_text(encoding="utf-8")]
