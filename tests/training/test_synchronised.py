"""Batch norm over ranks in every precision; that of two processes is in the tests of ranks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pdas.training.large.synchronised import synchronised

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.1, torch.float16: 0.01}


class Twins:
    """Two ranks with the same part."""

    size = 2

    def stack(self, own: Tensor) -> Tensor:
        return torch.stack([own, own])


def norm_and_maps(dtype: torch.dtype) -> tuple[nn.BatchNorm2d, Tensor]:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        for each in norm.parameters():
            each.uniform_(0.5, 1.5)
    return norm.to(dtype), (2 + 3 * torch.randn(4, 3, 2, 5)).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_twins_are_one_batch_in_every_precision(dtype: torch.dtype) -> None:
    norm, x = norm_and_maps(dtype)
    plain, _ = norm_and_maps(torch.float64)
    plain.load_state_dict(norm.state_dict())
    slope = torch.randn(4, 3, 2, 5).to(dtype)
    x.requires_grad_()
    whole = torch.cat([x, x]).detach().double().requires_grad_()
    with synchronised(norm, Twins()):  # type: ignore[arg-type]
        out = norm(x)
    expected = plain(whole)
    out.backward(slope)
    expected.backward(torch.cat([slope, slope]).double())
    pairs = [
        (out, expected[:4]),
        (x.grad, whole.grad[:4]),
        (2 * norm.weight.grad, plain.weight.grad),
        (2 * norm.bias.grad, plain.bias.grad),
        (norm.running_mean, plain.running_mean),
        (norm.running_var, plain.running_var),
    ]
    for found, right in pairs:
        assert found.dtype == dtype
        largest = float(right.detach().abs().max())
        assert float((found.detach().double() - right.detach()).abs().max()) <= TOLERANCE[dtype] * (
            1 + largest
        )
