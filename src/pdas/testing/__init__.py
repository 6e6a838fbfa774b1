"""Tests of what every optimizer and every supernet must do.

A test class of yours inherits them and has one fixture; docs/testing.md has an example of each.
This is the only part of PDAS that needs pytest.
"""

import pytest

# Before they are imported: only then does a failed assertion show its values.
pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("optimizers", "refusal", "supernets", "tensors"))
)

from pdas.testing.case import SupernetCase  # noqa: E402
from pdas.testing.optimizers import OptimizerTests  # noqa: E402
from pdas.testing.supernets import SupernetTests  # noqa: E402

__all__ = ["OptimizerTests", "SupernetCase", "SupernetTests"]
