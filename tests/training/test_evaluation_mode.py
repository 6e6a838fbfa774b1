"""Evaluation mode for theta, but for batch norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import pdas
from pdas.training.evaluation_mode import EvaluationMode


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm1d(3), pdas.nn.BatchNorm1d(3), nn.Sequential(nn.Dropout(0.5)), nn.Linear(3, 1)
    )


def test_dropout_is_off_and_batch_norms_take_the_batch_at_hand() -> None:
    module = net().train()
    judging = EvaluationMode(module)
    x = 7 + 5 * torch.randn(50, 3)
    with judging():
        assert [m.training for m in module] == [True, True, False, False]
        normal = module[:3](x)
        assert torch.allclose(normal, module[:3](x))
        assert torch.allclose(normal.mean(0), torch.zeros(3), atol=1e-5)
    assert all(m.training for m in module.modules())


def test_what_was_in_evaluation_mode_stays_there_also_after_an_error() -> None:
    module = net().train()
    module[3].eval()
    with pytest.raises(KeyError), EvaluationMode(module)():
        raise KeyError
    assert [m.training for m in module] == [True, True, True, False]
