"""Tests of what every method, optimizer, supernet, task, family, data set and cost must do.

A test class of yours inherits them and has one fixture; docs/testing.md has an example of each.
This is the only part of PDAS that needs pytest.
"""

import pytest

# Before they are imported: only then does a failed assertion show its values.
_PARTS = (
    "costs",
    "data_sets",
    "families",
    "methods",
    "optimizers",
    "refusal",
    "supernets",
    "tasks",
    "tensors",
    "weights",
)
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from pdas.testing.case import SupernetCase  # noqa: E402
from pdas.testing.costs import CostTests  # noqa: E402
from pdas.testing.data_sets import DataSetTests  # noqa: E402
from pdas.testing.families import FamilyCase, FamilyTests  # noqa: E402
from pdas.testing.methods import MethodCase, MethodTests  # noqa: E402
from pdas.testing.optimizers import OptimizerTests  # noqa: E402
from pdas.testing.supernets import SupernetTests  # noqa: E402
from pdas.testing.tasks import TaskCase, TaskTests  # noqa: E402
from pdas.testing.weights import WeightOptimizerTests  # noqa: E402

__all__ = [
    "CostTests",
    "DataSetTests",
    "FamilyCase",
    "FamilyTests",
    "MethodCase",
    "MethodTests",
    "OptimizerTests",
    "SupernetCase",
    "SupernetTests",
    "TaskCase",
    "TaskTests",
    "WeightOptimizerTests",
]
