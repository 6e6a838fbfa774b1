"""PDAS does what every optimizer must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdas.optim import PDAS
from pdas.space import SearchSpace
from pdas.testing import OptimizerTests

SETTINGS: dict[str, dict[str, Any]] = {
    "adaptive": {},
    "fixed": {"learning_rate": "fixed"},
    "eight samples": {"samples": 8},
}


class TestPDAS(OptimizerTests):
    @pytest.fixture(params=SETTINGS)
    def make(self, request: pytest.FixtureRequest) -> Callable[[SearchSpace, int], PDAS]:
        return lambda space, seed: PDAS(space, seed=seed, **SETTINGS[request.param])
