"""Modules with choices do what every supernet must."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Conv2d, Linear, Repeat, Supernet, Value
from pdas.testing import SupernetCase, SupernetTests
from tests.nn.choice_helpers import Block, Everything


class Blocks(nn.Module):
    """`(N, 3, H, W) -> (N, 10)`."""

    def __init__(self) -> None:
        super().__init__()
        width = Value("width", [4, 2, 6])
        self.stem = Conv2d(3, width, 3, stride=Value("stride", [1, 2]), padding=1)
        self.body = Repeat("depth", [Block(f"block{i}", width) for i in range(3)], [1, 3])
        self.head = Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(self.stem(x)).mean((2, 3)))
        return out


class TestBlocks(SupernetTests):
    @pytest.fixture
    def case(self) -> SupernetCase:
        torch.manual_seed(0)
        return SupernetCase(Supernet(Blocks()), (torch.randn(3, 3, 8, 8),))


class TestEverything(SupernetTests):
    test_nothing_is_unused_in_the_derived_network = None  # inputs that are not chosen are computed

    @pytest.fixture
    def case(self) -> SupernetCase:
        torch.manual_seed(0)
        return SupernetCase(Supernet(Everything()), (torch.randn(3, 3, 16, 16),))
