"""The family of dense networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import pdas
from pdas import recipes
from pdas.experiment.preparation import open_all, prepare
from pdas.spaces.base import FAMILIES
from pdas.spaces.densenets.settings import DenseNetSettings
from pdas.spaces.densenets.space import growths_of
from pdas.support.errors import SettingError
from pdas.testing import FamilyCase, FamilyTests

FAMILY: Any = FAMILIES["densenets"]
SMALL = DenseNetSettings(layers=3, growths=(2, 4), stem=4)


class TestDenseNets(FamilyTests):
    @pytest.fixture
    def case(self) -> FamilyCase:
        return FamilyCase(FAMILY, SMALL, image_shape=(1, 9, 12), outputs=3)


def test_weights_are_those_of_the_definition() -> None:
    labels = {**dict.fromkeys(FAMILY.space(SMALL), "none"), "block1/layer2": 4, "block3/layer1": 2}
    size = FAMILY.size(SMALL, (1, 9, 9), 3)
    stem, first = 9 * 4 + 8, (4 * 16 + 32) + (9 * 16 * 4 + 8)
    transitions = (8 * 4 + 8) + (4 * 2 + 4)
    last = (2 * 8 + 16) + (9 * 8 * 2 + 4)
    assert growths_of(labels) == ((4,), (), (2,))
    assert FAMILY.parameters(labels, size) == stem + first + transitions + last + (4 * 3 + 3)
    assert FAMILY.text(labels) == "4 | none | 2"


def test_shared_weights_are_refused_with_the_methods_that_fit() -> None:
    net = FAMILY.supernet(FAMILY.size(SMALL, (1, 9, 9), 3))
    with pytest.raises(SettingError, match=r"^search.method: found a method that .*use eas, evol"):
        net(torch.zeros(1, 1, 9, 9), None)


def test_images_that_are_too_small() -> None:
    with pytest.raises(SettingError, match=r"^image size: found 3x9, expected at least 4x4"):
        FAMILY.size(SMALL, (1, 3, 9), 3)


def test_a_search_that_trains_shared_weights_is_refused() -> None:
    net = FAMILY.supernet(FAMILY.size(SMALL, (1, 9, 9), 3))
    data = [torch.zeros(4, 1, 9, 9)] * 4

    def loss(network: Any, batch: Tensor) -> Tensor:
        mean: Tensor = network(batch).mean()
        return mean

    with pytest.raises(SettingError, match=r"^search.method: found a method that trains shared"):
        pdas.search(net, loss, (data, data), epochs=1, batch_size=2, method="pdas")


@pytest.mark.parametrize("method", ["rsps", "enas", "darts-1", "smash", "pdas"])
def test_before_a_run_begins_they_are_refused_in_the_same_words(
    method: str, tmp_path: Path
) -> None:
    recipe = recipes.load("digits", ["network=densenets", f"search.method={method}"])
    opened = open_all(recipe, None, download=False)
    with pytest.raises(SettingError, match=r"found a method that trains shared .*use eas, evol"):
        prepare(recipe, 0, opened, tmp_path)
