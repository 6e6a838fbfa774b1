"""The small data set of these tests does what every data set must do."""

from __future__ import annotations

from pathlib import Path

import pytest
from striped_images import Stripes, write

from pdas.data.base import SETS
from pdas.testing import DataSetTests


class TestStripes(DataSetTests):
    @pytest.fixture
    def name(self, monkeypatch: pytest.MonkeyPatch) -> str:
        SETS.names()  # all are there
        monkeypatch.setitem(SETS._found, "stripes", Stripes().data_set())
        return "stripes"

    @pytest.fixture
    def data_dir(self, tmp_path: Path) -> Path:
        return write(tmp_path)
