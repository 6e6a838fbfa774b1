"""A data set from a file of the user's own, by its name like any other."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from loading import labelled, restoration
from pydantic import ValidationError

from pdas import recipes
from pdas.data.base import names
from pdas.data.load import load_images
from pdas.data.settings import LabelledDataSettings
from pdas.support.errors import SettingError
from pdas.testing import DataSetTests

SRC = Path(recipes.__file__).parents[1]
OWN = Path(__file__).with_name("left_or_right.py")


@pytest.fixture
def own(shipped_sets: None) -> str:
    """The set, for one test."""
    importlib.reload(importlib.import_module(OWN.stem))
    return "left-or-right"


class TestLeftOrRight(DataSetTests):
    @pytest.fixture
    def name(self, own: str) -> str:
        return own


def test_its_name_is_refused_before_it_is_registered() -> None:
    with pytest.raises(ValidationError, match="expected one of cifar10, digits, "):
        LabelledDataSettings(name="left-or-right")


def test_it_is_named_for_its_uses(own: str) -> None:
    assert own in names("labelled") and own in names("restoration")
    with pytest.raises(
        SettingError,
        match="expected one of cifar10, digits, fashion-mnist, folder, imagenet, left-or-right",
    ):
        labelled("left")


def test_it_is_loaded_by_its_name(own: str) -> None:
    data = labelled(own)
    assert data.classes == ("left", "right")
    assert (len(data.train), len(data.test)) == (160, 40) and data.train.image_shape == (1, 16, 16)
    assert restoration(own).train.image_shape == (1, 32, 32)
    assert torch.equal(restoration(own).test.labels, data.test.labels)


@pytest.mark.parametrize(
    ("recipe", "changes", "shape"),
    [
        ("digits", ["data.image_size=8"], (1, 8, 8)),
        ("inpaint-photos", ["data.channels=1", "data.crops=null"], (1, 64, 64)),
    ],
)
def test_a_recipe_takes_it(
    own: str, recipe: str, changes: list[str], shape: tuple[int, int, int]
) -> None:
    data = load_images(recipes.load(recipe, [f"data.name={own}", *changes]).data)
    assert data.train.image_shape == shape and data.classes == ("left", "right")


def test_nothing_in_the_package_knows_it() -> None:
    assert not [
        file for file in SRC.rglob("*.py") if "left-or-right" in file.read_text(encoding="utf-8")
    ]


def test_the_command_line_runs_it(tmp_path: Path) -> None:
    changes = (
        "data.name=left-or-right",
        "network.nodes=2",
        "network.channels=4",
        "search.epochs=1",
        "retrain.epochs=1",
        "retrain.weight_limit=20000",
        "device.accelerator=cpu",
    )
    settings = [text for change in changes for text in ("--set", change)]
    command = [sys.executable, "-m", "pdas.cli", "--import", OWN.stem, "run", "digits", *settings]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "run")], cwd=OWN.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "run" / "report.html").is_file()
