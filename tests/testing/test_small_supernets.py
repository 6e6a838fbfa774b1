"""What every supernet must do, of small ones that a user may write."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from chosen import Chosen
from torch import Tensor, nn

from pdas.space import Architecture, SearchSpace, check_architecture
from pdas.testing import SupernetCase, SupernetTests


class TestChosen(SupernetTests):
    @pytest.fixture
    def case(self) -> SupernetCase:
        torch.manual_seed(0)
        return SupernetCase(Chosen(), (torch.randn(5, 4),))


class TwoHeads(nn.Module):
    """Words and numbers in, nested outputs; what a supernet need not have is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.space = SearchSpace({"words": ("mean", "sum"), "numbers": ("few",)})
        self.words = nn.ModuleDict(
            {how: nn.EmbeddingBag(10, 4, mode=how) for how in self.space["words"]}
        )
        self.numbers = nn.Linear(2, 4)

    def forward(self, words: Tensor, numbers: Tensor, architecture: Architecture) -> Any:
        check_architecture("architecture", architecture, self.space)
        h = self.words[str(architecture["words"])](words)
        return {"sum": h + self.numbers(numbers), "parts": (h, [numbers])}


class TestTwoHeads(SupernetTests):
    @pytest.fixture
    def case(self) -> SupernetCase:
        torch.manual_seed(0)
        return SupernetCase(TwoHeads(), (torch.randint(10, (5, 3)), torch.randn(5, 2)))
