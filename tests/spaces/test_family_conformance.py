"""The two families do what every family must."""

from __future__ import annotations

import pytest

from pdas.spaces.autoencoders.settings import ChainSettings
from pdas.spaces.base import FAMILIES
from pdas.spaces.cells.settings import NetworkSettings
from pdas.testing import FamilyCase, FamilyTests


class TestCells(FamilyTests):
    @pytest.fixture
    def case(self) -> FamilyCase:
        network = NetworkSettings(nodes=2, cells_per_stage=1, channels=4)
        return FamilyCase(FAMILIES["cells"], network, image_shape=(2, 9, 12), outputs=5)


class TestAutoencoders(FamilyTests):
    @pytest.fixture
    def case(self) -> FamilyCase:
        network = ChainSettings(layers=5, level_back=3, kernels=(1, 3), channels=(4, 7))
        return FamilyCase(FAMILIES["autoencoders"], network, image_shape=(3, 12, 9), outputs=3)
