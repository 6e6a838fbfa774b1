"""What every optimizer must do is nothing that only PDAS does."""

from __future__ import annotations

import pytest
from evolution import Evolution

from pdas.testing import OptimizerTests


class TestEvolution(OptimizerTests):
    @pytest.fixture
    def make(self) -> type[Evolution]:
        return Evolution
