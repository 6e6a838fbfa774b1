from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pdas.spaces.cells.depthwise import DepthwiseConv2d

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("memory_format", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (8, 8)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_filters_each_channel_by_itself(
    kernel: int, stride: int, size: tuple[int, int], memory_format: torch.memory_format
) -> None:
    torch.manual_seed(0)
    conv = DepthwiseConv2d(4, kernel, stride).double()
    x = torch.randn(3, 4, *size, dtype=torch.float64).contiguous(memory_format=memory_format)
    x.requires_grad_()
    one_by_one = torch.cat(
        [
            F.conv2d(x[:, [c]], conv.weight[[c]], stride=stride, padding=kernel // 2)
            for c in range(4)
        ],
        dim=1,
    )
    expected_gradients = torch.autograd.grad(one_by_one.square().sum(), [x, conv.weight])

    out = conv(x)

    torch.testing.assert_close(out, one_by_one, rtol=1e-12, atol=1e-12)
    gradients = torch.autograd.grad(out.square().sum(), [x, conv.weight])
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-11, atol=1e-11)


def test_has_one_filter_a_channel_and_no_bias() -> None:
    shapes = {name: tuple(p.shape) for name, p in DepthwiseConv2d(6, 5, 1).named_parameters()}
    assert shapes == {"weight": (6, 1, 5, 5)}
