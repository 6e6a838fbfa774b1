from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad, jacfwd, vmap

from pdas.spaces.cells.depthwise import DepthwiseConv2d, _WideFilters

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


# Forward-mode gradients of torch itself are made by `torch.jit.script`.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5)])
@pytest.mark.parametrize("stride", [1, 2])
def test_wide_filters_have_the_gradients_of_finite_differences(
    stride: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    inputs = (x, weight, stride)
    assert torch.autograd.gradcheck(_WideFilters.apply, inputs, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(_WideFilters.apply, inputs)


@pytest.mark.parametrize("frozen", [(), ("x",), ("weight",)])
@pytest.mark.parametrize("memory_format", LAYOUTS)
@pytest.mark.parametrize("stride", [1, 2])
def test_wide_filters_in_single_precision_have_the_gradients_of_double_precision(
    stride: int, memory_format: torch.memory_format, frozen: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    conv = DepthwiseConv2d(16, 5, stride)
    x = torch.randn(8, 16, 9, 12).contiguous(memory_format=memory_format)
    wanted = {"x": x, "weight": conv.weight}
    for name, tensor in wanted.items():
        tensor.requires_grad_(name not in frozen)
    wanted = {name: tensor for name, tensor in wanted.items() if name not in frozen}
    out = conv(x)
    assert ("WideFilters" in type(out.grad_fn).__name__) is ("weight" in wanted)
    found = torch.autograd.grad(out.square().sum(), list(wanted.values()))

    x64, weight64 = x.detach().double(), conv.weight.detach().double()
    inputs = {"x": x64.requires_grad_(), "weight": weight64.requires_grad_()}
    exact = F.conv2d(x64, weight64, None, stride, 2, groups=16).square().sum()
    expected = torch.autograd.grad(exact, [inputs[name] for name in wanted])
    for single, double in zip(found, expected, strict=True):
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")
def test_wide_filters_under_transformations_of_functions_are_those_of_the_library() -> None:
    torch.manual_seed(0)
    conv = DepthwiseConv2d(4, 5, 1)
    images = torch.randn(3, 2, 4, 6, 6)
    weights = dict(conv.named_parameters())

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(conv, parameters, (x,)).square().sum()

    expected = []
    for x in images:
        weight = conv.weight.detach().requires_grad_()
        out = F.conv2d(x, weight, None, 1, 2, groups=4)
        expected += torch.autograd.grad(out.square().sum(), [weight])
    by_vmap = vmap(grad(loss), (None, 0))(weights, images)["weight"]
    torch.testing.assert_close(by_vmap, torch.stack(expected), rtol=1e-4, atol=1e-4)
    forwards = jacfwd(loss)(weights, images[0])["weight"]
    torch.testing.assert_close(forwards, expected[0], rtol=1e-4, atol=1e-4)


def test_a_traced_convolution_is_that_of_the_library() -> None:
    conv = DepthwiseConv2d(4, 5, 1)
    program = torch.export.export(conv, (torch.randn(2, 4, 6, 6),))
    assert "conv2d" in str(program.graph)
