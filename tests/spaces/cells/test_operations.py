"""Each operation against its definition."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.spaces.cells.operations import (
    OPERATIONS,
    FactorisedReduction,
    ReLUConvNorm,
    affine_batch_norm,
    batch_statistics,
)

SIZES = [(2, 2), (4, 4), (5, 5), (5, 4), (4, 7), (9, 3)]
CHANNELS = 4


def images(size: tuple[int, int]) -> Tensor:
    torch.manual_seed(sum(size))
    return torch.randn(3, CHANNELS, *size, dtype=torch.float64)


def normalised(x: Tensor) -> Tensor:
    """Batch norm by its definition, without affine."""
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


def pointwise(weight: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x)


def assert_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("norm", [batch_statistics, affine_batch_norm])
@pytest.mark.parametrize("name", OPERATIONS)
def test_keeps_the_channels_and_divides_the_size_by_the_stride_rounding_up(
    name: str, norm: object, stride: int, size: tuple[int, int]
) -> None:
    out = OPERATIONS[name](CHANNELS, stride, norm).double()(images(size))  # type: ignore[arg-type]
    assert out.shape == (3, CHANNELS, *(math.ceil(side / stride) for side in size))


def test_are_the_five_of_the_paper_in_order() -> None:
    assert list(OPERATIONS) == [
        "identity",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "avg_pool_3x3",
        "max_pool_3x3",
    ]


def test_identity_of_stride_one_is_the_input_itself() -> None:
    x = images((4, 4))
    assert OPERATIONS["identity"](CHANNELS, 1, batch_statistics)(x) is x


def test_identity_of_stride_two_is_a_factorised_reduction() -> None:
    operation = OPERATIONS["identity"](CHANNELS, 2, batch_statistics)
    assert isinstance(operation, FactorisedReduction)


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_pointwise_convolution_has_a_stride(name: str) -> None:
    """Its weight gradient would write outside its memory on CPUs, where channels are few."""
    for module in OPERATIONS[name](CHANNELS, 2, batch_statistics).modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            assert module.stride == (1, 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("name", "reduce"), [("avg_pool_3x3", torch.mean), ("max_pool_3x3", torch.amax)]
)
def test_pooling_is_over_the_pixels_of_the_map_and_never_over_padding(
    name: str, reduce: object, stride: int, size: tuple[int, int]
) -> None:
    x = images(size)
    out = OPERATIONS[name](CHANNELS, stride, batch_statistics)(x)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            top, left = max(stride * i - 1, 0), max(stride * j - 1, 0)
            window = x[:, :, top : stride * i + 2, left : stride * j + 2]
            assert_close(out[:, :, i, j], reduce(window, dim=(2, 3)))  # type: ignore[operator]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_separable_convolution_is_applied_twice(
    kernel: int, stride: int, size: tuple[int, int]
) -> None:
    x = images(size)
    operation = OPERATIONS[f"sep_conv_{kernel}x{kernel}"](CHANNELS, stride, batch_statistics)
    depthwise1, pointwise1, depthwise2, pointwise2 = operation.double().parameters()
    expected = x
    for depthwise, weight, step in ((depthwise1, pointwise1, stride), (depthwise2, pointwise2, 1)):
        h = F.conv2d(F.relu(expected), depthwise, None, step, kernel // 2, groups=CHANNELS)
        expected = normalised(pointwise(weight, h))
    before = x.clone()
    assert_close(operation(x), expected)
    assert torch.equal(x, before)


def test_relu_conv_norm_is_just_that() -> None:
    x = images((4, 5))
    block = ReLUConvNorm(CHANNELS, 6, batch_statistics).double()
    (weight,) = block.parameters()
    assert_close(block(x), normalised(pointwise(weight, x.clamp(min=0))))


@pytest.mark.parametrize("out_channels", [6, 7])
@pytest.mark.parametrize("size", SIZES)
def test_factorised_reduction_looks_at_alternate_pixels(
    size: tuple[int, int], out_channels: int
) -> None:
    x = images(size)
    block = FactorisedReduction(CHANNELS, out_channels, batch_statistics).double()
    height, width = (math.ceil(side / 2) for side in size)
    padded = torch.zeros(3, CHANNELS, 2 * height, 2 * width, dtype=torch.float64)
    padded[:, :, : size[0], : size[1]] = x.clamp(min=0)
    even = pointwise(block.even.weight, padded[:, :, ::2, ::2])
    odd = pointwise(block.odd.weight, padded[:, :, 1::2, 1::2])
    assert_close(block(x), normalised(torch.cat([even, odd], dim=1)))


def test_batch_norm_of_the_search_has_no_weights_and_keeps_nothing() -> None:
    norm = batch_statistics(CHANNELS).double()
    x = images((4, 4))
    assert not norm.state_dict()
    for mode in (True, False):
        assert_close(norm.train(mode)(x), normalised(x))
    assert not norm.state_dict()


def test_batch_norm_of_a_derived_network_has_affine_and_running_statistics() -> None:
    norm = affine_batch_norm(CHANNELS)
    assert isinstance(norm, nn.BatchNorm2d)
    assert {"weight", "bias", "running_mean", "running_var"} <= norm.state_dict().keys()
