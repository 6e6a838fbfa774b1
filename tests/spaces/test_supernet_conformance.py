"""The two supernets do what every supernet must."""

from __future__ import annotations

import pytest
import torch

from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.testing import SupernetCase, SupernetTests


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


class TestCells(SupernetTests):
    @pytest.fixture
    def case(self) -> SupernetCase:
        net = CellSupernet(nodes=2, cells_per_stage=1, channels=4, classes=3)
        return SupernetCase(net, (torch.randn(3, 3, 9, 12),))


class TestAutoencoders(SupernetTests):
    @pytest.fixture
    def case(self) -> SupernetCase:
        net = AutoencoderSupernet(layers=5, level_back=3, kernels=(1, 3), channels=(4, 7))
        return SupernetCase(
            net,
            (torch.rand(2, 3, 12, 9),),
            lambda architecture, keep: net.derive(architecture, (12, 9), keep_weights=keep),
        )
