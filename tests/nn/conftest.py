"""What the tests of networks share: random numbers that are the same in every run."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """A test that holds to rounding does so with these numbers, alone and among others."""
    torch.manual_seed(0)
