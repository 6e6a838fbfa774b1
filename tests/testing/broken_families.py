"""Architecture families with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest
import torch

from pdas.drawing.style import new_figure
from pdas.space import Architecture, SearchSpace
from pdas.spaces.base import FAMILIES, Drawing
from pdas.testing import FamilyCase, FamilyTests
from tests.spaces.chain_family import Chain, ChainSettings, ChainSize


class LinkSettings(ChainSettings):
    space: Literal["chain", "links"] = "links"  # type: ignore[assignment]


class HasSettingsOfAnotherName(Chain):
    """test_it_is_registered_by_the_name_in_its_settings"""

    settings = LinkSettings


class ForgetsWidths(Chain):
    """test_a_size_is_plain_data"""

    def parsed_size(self, values: Mapping[str, Any]) -> ChainSize:
        return ChainSize(**{**values, "widths": (8,)})


class AddsALayerToASize(Chain):
    """test_a_size_is_also_settings"""

    def size(self, network: ChainSettings, *images: Any) -> ChainSize:
        size = super().size(network, *images)
        return size.model_copy(update={"layers": size.layers + isinstance(network, ChainSize)})


class HasNoSpaceOfASize(Chain):
    """test_a_size_is_also_settings"""

    def space(self, network: ChainSettings) -> SearchSpace:
        known = isinstance(network, ChainSize)
        return super().space(network.model_copy(update={"layers": 9}) if known else network)


class SearchesOneLayerMore(Chain):
    """test_the_supernet_has_the_space_and_the_outputs"""

    def supernet(self, size: ChainSize) -> Any:
        return super().supernet(size.model_copy(update={"layers": size.layers + 1}))


class HasOneOutputMore(Chain):
    """test_the_supernet_has_the_space_and_the_outputs, test_the_network_has_the_outputs"""

    def supernet(self, size: ChainSize) -> Any:
        return super().supernet(size.model_copy(update={"outputs": size.outputs + 1}))


class IgnoresLabels(Chain):
    """test_labels_give_the_same_network"""

    def network(self, architecture: Any, size: ChainSize, **options: Any) -> Any:
        known = isinstance(architecture, Architecture)
        first = self.space(size).architecture([0] * (size.layers + 1))
        return super().network(architecture if known else first, size)


class DrawsTheSameWeights(Chain):
    """test_the_seed_of_torch_decides_the_weights"""

    def network(self, architecture: Any, size: ChainSize, **options: Any) -> Any:
        torch.manual_seed(0)
        return super().network(architecture, size)


class DrawsFromASeedOfItsOwn(Chain):
    """test_the_seed_of_torch_decides_the_weights"""

    def supernet(self, size: ChainSize) -> Any:
        torch.seed()
        return super().supernet(size)


class CountsOneTooMany(Chain):
    """test_parameters_are_those_of_the_network"""

    def parameters(self, architecture: Any, size: ChainSize) -> int:
        return super().parameters(architecture, size) + 1


class DrawsToCount(Chain):
    """test_parameters_are_those_of_the_network"""

    def parameters(self, architecture: Any, size: ChainSize) -> int:
        torch.rand(1)
        return super().parameters(architecture, size)


class HoldsAFunction(Chain):
    """test_the_network_pickles"""

    def network(self, architecture: Any, size: ChainSize, **options: Any) -> Any:
        network = super().network(architecture, size)
        network.scale = lambda x: 2 * x
        return network


class RecognisesNothing(Chain):
    """test_it_recognises_its_own_labels"""

    def recognises(self, labels: Mapping[str, Any]) -> bool:
        return False


class RecognisesWhatHasADepth(Chain):
    """test_it_recognises_no_other_labels"""

    def recognises(self, labels: Mapping[str, Any]) -> bool:
        return "depth" in labels


class FitsOneLayer(Chain):
    """test_settings_are_fitted_to_labels"""

    def fitted(self, network: ChainSettings, labels: Mapping[str, Any]) -> ChainSettings:
        return network.model_copy(update={"layers": 1})


class FitsWhatHasADepth(Chain):
    """test_settings_are_not_fitted_to_other_labels"""

    def fitted(self, network: ChainSettings, labels: Mapping[str, Any]) -> ChainSettings:
        return super().fitted(network, labels) if labels["depth"] else network


class SaysNothing(Chain):
    """test_it_is_told_in_words"""

    def text(self, labels: Mapping[str, object]) -> str:
        return "a chain"


class SaysTwoLinesInARow(Chain):
    """test_it_is_told_in_words"""

    def rows(self, labels: Mapping[str, object]) -> list[tuple[str, str]]:
        return [("chain", self.text(labels))]


class DrawsTooSmall(Chain):
    """test_its_drawing_has_words_and_texts_that_can_be_read"""

    def drawing(self, labels: Mapping[str, object], image_size: int | None = None) -> Drawing:
        figure = new_figure(2, 1)
        figure.text(0, 0, "conv3", fontsize=7)
        return Drawing(figure, "The chain")


class TestBroken(FamilyTests):
    @pytest.fixture(params=Chain.__subclasses__(), ids=lambda defect: defect.__name__)
    def case(self, request: pytest.FixtureRequest) -> FamilyCase:
        return FamilyCase(FAMILIES.add("chain", request.param()), ChainSettings())
