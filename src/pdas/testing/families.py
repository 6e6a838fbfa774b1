"""What every architecture family must do: what `pdas.spaces.base.Family` promises, as tests."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from matplotlib.text import Text
from torch import Tensor, nn

from pdas.drawing.style import LEAST_TEXT
from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces.base import FAMILIES, Family, FamilySettings, family_of
from pdas.support.errors import SettingError, SpaceError
from pdas.support.settings import validated
from pdas.testing.case import random_architectures
from pdas.testing.refusal import refusal
from pdas.testing.tensors import same_weights


@dataclass(frozen=True)
class FamilyCase:
    """A family to test, and what it is tested with.

    Attributes:
        family: registered by its name.
        network: its settings, of a small space and a small network, so that tests are fast.
        image_shape: (C, H, W) of images.
        outputs: classes, or C of a family that restores images.

    Example:
        FamilyCase(FAMILIES["cells"], NetworkSettings(nodes=2, channels=4))
    """

    family: Family
    network: FamilySettings
    image_shape: tuple[int, int, int] = (3, 16, 16)
    outputs: int = 3

    @property
    def size(self) -> Any:
        """The size for these images."""
        return self.family.size(self.network, self.image_shape, self.outputs)

    @property
    def space(self) -> SearchSpace:
        """The space of these settings."""
        return self.family.space(self.network)

    def architectures(self) -> list[Architecture]:
        """Random ones, always the same, in which every category occurs."""
        return random_architectures(self.space)

    def images(self) -> Tensor:
        """Four images, always the same."""
        return torch.rand(4, *self.image_shape, generator=torch.Generator().manual_seed(0))


class FamilyTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give one fixture.

    `case`: a `FamilyCase`. Its supernet is tested by `SupernetTests`.

    Example:
        class TestCells(FamilyTests):
            @pytest.fixture
            def case(self):
                return FamilyCase(FAMILIES["cells"], NetworkSettings(nodes=2, channels=4))
    """

    def test_it_is_registered_by_the_name_in_its_settings(self, case: FamilyCase) -> None:
        assert FAMILIES[case.network.space] is case.family
        assert isinstance(case.network, case.family.settings)
        assert validated(case.family.settings, {}).space == case.network.space

    def test_a_size_is_plain_data(self, case: FamilyCase) -> None:
        text = json.dumps(case.size.model_dump(mode="json"))
        assert isinstance(case.size, case.family.sizes)
        assert case.family.parsed_size(json.loads(text)) == case.size

    def test_a_size_is_also_settings(self, case: FamilyCase) -> None:
        assert case.family.size(case.size, case.image_shape, case.outputs) == case.size
        assert case.family.space(case.size) == case.space

    def test_the_supernet_has_the_space_and_the_outputs(self, case: FamilyCase) -> None:
        net: Any = case.family.supernet(case.size)
        assert net.space == case.space
        for architecture in case.architectures():
            if not case.family.shares_weights:
                with refusal(SettingError):
                    net(case.images(), architecture)
                continue
            check_outputs(net(case.images(), architecture), case)

    def test_the_network_has_the_outputs(self, case: FamilyCase) -> None:
        for architecture in case.architectures():
            check_outputs(case.family.network(architecture, case.size)(case.images()), case)

    def test_labels_give_the_same_network(self, case: FamilyCase) -> None:
        for architecture in case.architectures():
            first, second = (seeded(case, given) for given in (architecture, read(architecture)))
            assert same_weights(first, second)

    def test_the_seed_of_torch_decides_the_weights(self, case: FamilyCase) -> None:
        for architecture in case.architectures():
            assert not same_weights(seeded(case, architecture), seeded(case, architecture, 1))
        torch.manual_seed(0)
        first = case.family.supernet(case.size)
        torch.manual_seed(0)
        assert same_weights(first, case.family.supernet(case.size))

    def test_parameters_are_those_of_the_network(self, case: FamilyCase) -> None:
        for architecture in case.architectures():
            network = case.family.network(architecture, case.size)
            before = torch.get_rng_state()
            found = case.family.parameters(read(architecture), case.size)
            assert found == sum(weight.numel() for weight in network.parameters())
            assert torch.equal(torch.get_rng_state(), before)

    def test_the_network_pickles(self, case: FamilyCase) -> None:
        network = case.family.network(case.architectures()[0], case.size).eval()
        again = pickle.loads(pickle.dumps(network))
        assert torch.equal(again(case.images()), network(case.images()))

    def test_it_recognises_its_own_labels(self, case: FamilyCase) -> None:
        for architecture in case.architectures():
            labels = read(architecture)
            assert case.family.recognises(labels)
            assert family_of(labels) is case.family

    def test_it_recognises_no_other_labels(self, case: FamilyCase) -> None:
        for architecture in case.architectures():
            labels = read(architecture)
            assert not case.family.recognises(labels | {"further": 1})
            del labels[next(iter(labels))]
            assert not case.family.recognises(labels)
        assert not case.family.recognises({})
        assert not case.family.recognises({"op": "conv3", "width": [64]})

    def test_settings_are_fitted_to_labels(self, case: FamilyCase) -> None:
        """Those of the defaults, too, as far as the labels are of their choices."""
        for architecture in case.architectures():
            fitted = case.family.fitted(case.network, read(architecture))
            assert isinstance(fitted, case.family.settings)
            assert case.family.space(fitted).architecture(read(architecture)) == architecture

    def test_settings_are_not_fitted_to_other_labels(self, case: FamilyCase) -> None:
        others: list[dict[str, Label]] = [{}, {"op": "conv3", "width": 64}]
        for labels in others:
            with refusal(SpaceError):
                case.family.space(case.family.fitted(case.network, labels)).architecture(labels)

    def test_it_is_told_in_words(self, case: FamilyCase) -> None:
        first, *others = (read(architecture) for architecture in case.architectures())
        assert case.family.text(first) != case.family.text(others[0])
        for name, text in case.family.rows(first):
            assert name and "\n" not in name + text

    def test_its_drawing_has_words_and_texts_that_can_be_read(self, case: FamilyCase) -> None:
        for image_size in (None, case.image_shape[1]):
            drawing = case.family.drawing(read(case.architectures()[0]), image_size)
            if drawing is None:
                pytest.skip(f"{type(case.family).__name__} draws nothing")
            assert drawing.caption
            sizes = [float(text.get_fontsize()) for text in drawing.figure.findobj(Text)]
            assert min(sizes) >= LEAST_TEXT


def read(architecture: Architecture) -> dict[str, Label]:
    """The labels of an architecture, as they are read from a file."""
    labels: dict[str, Label] = json.loads(architecture.to_json())
    return labels


def seeded(case: FamilyCase, architecture: Any, seed: int = 0) -> nn.Module:
    """A network whose weights are drawn from a seed."""
    torch.manual_seed(seed)
    return case.family.network(architecture, case.size)


def check_outputs(outputs: Tensor, case: FamilyCase) -> None:
    """One for each image, of so many channels, and finite."""
    assert outputs.shape[:2] == (4, case.outputs)
    assert outputs.isfinite().all()
