"""Initial weights that keep the size of signals."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pdas.spaces.autoencoders.initial import he


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_the_mean_square_is_kept_through_a_relu(
    kind: type[nn.Conv2d] | type[nn.ConvTranspose2d], stride: int, kernel: int
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 64, 15, 15).relu()
    out = he(kind(64, 2048, kernel, stride, padding=kernel // 2, bias=False))(x).detach()
    # He et al.: the variance before the ReLU is twice the mean square of the input, halved by it.
    inner = out[:, :, 3:-3, 3:-3].relu()
    assert float(inner.square().mean() / x.square().mean()) == pytest.approx(1, rel=0.1)


def test_without_relu_it_is_kept_as_it_is() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 64, 31, 31)
    out = he(nn.ConvTranspose2d(64, 128, 3, padding=1, bias=False), relu=False)(x).detach()
    assert float(out[:, :, 3:-3, 3:-3].square().mean()) == pytest.approx(1, rel=0.1)
