"""Modules with choices do what every supernet must."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Conv2d, Linear, OptionalLayer, Repeat, Supernet, Value, optional
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


class Transformer(nn.Module):
    """`(N, 5, 8) -> (N, 5, 3)`, with choices in place of parts of several inputs and outputs."""

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True) for _ in range(6)]
        for i, layer in enumerate(layers[:2]):
            layer.self_attn = OptionalLayer(f"attention{i}", layer.self_attn, "zeros")
        self.first = nn.TransformerEncoder(layers[0], 1, enable_nested_tensor=False)
        self.first.layers = Repeat("depth", layers[:4], [1, 2, 3], keep="spread")
        self.second = optional(layers[4:], "last")
        self.head = OptionalLayer(
            "head", nn.Sequential(nn.Tanh(), nn.Linear(8, 3)), nn.Linear(8, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for layer in self.second:
            x = layer(x, src_key_padding_mask=torch.zeros(x.shape[:2], dtype=torch.bool))
        out: Tensor = self.head(x)
        return out


class TestTransformer(SupernetTests):
    @pytest.fixture
    def case(self) -> SupernetCase:
        torch.manual_seed(0)
        net = Supernet(Transformer())
        net.check(torch.randn(2, 5, 8))
        return SupernetCase(net, (torch.randn(3, 5, 8),))
