"""What every data set must do, of the shipped ones that need no download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdas.testing import DataSetTests

MakeFolder = Callable[..., Path]


class TestDigits(DataSetTests):
    @pytest.fixture
    def name(self) -> str:
        return "digits"


class TestPhotos(DataSetTests):
    @pytest.fixture
    def name(self) -> str:
        return "photos"


class TestFolder(DataSetTests):
    @pytest.fixture
    def name(self) -> str:
        return "folder"

    @pytest.fixture
    def data_dir(self, make_folder: MakeFolder) -> Path:
        return make_folder("pets", {"dog": 10, "cat": 7})
