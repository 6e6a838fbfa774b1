"""Tests of what every optimizer, supernet, architecture family and data set must do.

A test class of yours inherits them and has one fixture; docs/testing.md has an example of each.
This is the only part of PDAS that needs pytest.
"""

import pytest

# Before they are imported: only then does a failed assertion show its values.
_PARTS = ("data_sets", "families", "optimizers", "refusal", "supernets", "tensors")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from pdas.testing.case import SupernetCase  # noqa: E402
from pdas.testing.data_sets import DataSetTests  # noqa: E402
from pdas.testing.families import FamilyCase, FamilyTests  # noqa: E402
from pdas.testing.optimizers import OptimizerTests  # noqa: E402
from pdas.testing.supernets import SupernetTests  # noqa: E402

__all__ = [
    "DataSetTests",
    "FamilyCase",
    "FamilyTests",
    "OptimizerTests",
    "SupernetCase",
    "SupernetTests",
]
