"""Kernels that may multiply and have no formula are named, and others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import flop_registry, register_flop_formula
from torchvision.ops import nms, roi_align

from pdas.nn import Choice, Supernet
from pdas.nn.counting.counter import counting
from pdas.support.errors import PdasWarning

r = torch.randn


def uncounted(function: Callable[..., Any], *args: Any) -> set[str]:
    with torch.no_grad(), counting() as counter:
        function(*args)
    return counter.uncounted


KNOWN: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "elementwise": (lambda x, y: F.silu(x * y) + x.exp() / y, (r(3, 3), r(3, 3))),
    "reduction": (lambda x: x.sum(1) + x.amax(1) + x.var(1) + x.logsumexp(1), (r(3, 3),)),
    "views": (lambda x: x.mT[1:].reshape(3, 2).flip(0).unfold(0, 2, 1), (r(3, 3),)),
    "norms": (lambda x: F.layer_norm(F.normalize(x), (3,)) + F.rms_norm(x, (3,)), (r(2, 3),)),
    "batch norm": (nn.BatchNorm2d(3), (r(2, 3, 4, 4),)),
    "softmax": (lambda x: x.softmax(0) + x.log_softmax(1), (r(3, 3),)),
    "pooling": (lambda x: F.max_pool2d(F.adaptive_avg_pool2d(x, 4), 2), (r(1, 3, 9, 9),)),
    "interpolation": (lambda x: F.interpolate(x, 6, mode="linear"), (r(1, 3, 4),)),
    "interpolation in 2D": (lambda x: F.interpolate(x, 6, mode="bilinear"), (r(1, 3, 4, 4),)),
    "interpolation in 3D": (lambda x: F.interpolate(x, 6, mode="trilinear"), (r(1, 3, 4, 4, 4),)),
    "sampling": (F.grid_sample, (r(1, 3, 4, 4), r(1, 2, 2, 2), "bilinear", "zeros", False)),
    "indexing": (lambda x: x[torch.tensor([0, 2])].gather(0, torch.zeros(1, 3).long()), (r(3, 3),)),
    "scatter": (lambda x: x.scatter_add(0, torch.zeros(1, 3).long(), x), (r(3, 3),)),
    "embedding": (nn.EmbeddingBag(5, 3), (torch.zeros(2, 2).long(),)),
    "sorting": (lambda x: (x.sort(), x.topk(2), x.cumsum(0), x.unique()), (r(3, 3),)),
    "drawing": (lambda x: (torch.rand_like(x), x.exp().multinomial(1), F.dropout(x)), (r(3, 3),)),
    "folding": (lambda x: F.fold(F.unfold(x, 2), (4, 4), 2), (r(1, 2, 4, 4),)),
    "outer product": (torch.outer, (r(3), r(4))),
    "cells": (nn.LSTMCell(3, 4), (r(2, 3),)),
    "norm of a weight": (nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), (r(2, 3),)),
    "distance": (F.cosine_similarity, (r(3, 3), r(3, 3))),
    "length": (torch.linalg.vector_norm, (r(3, 3),)),
    "boxes": (nms, (torch.rand(3, 4), torch.rand(3), 0.5)),
    "regions": (roi_align, (r(1, 2, 5, 5), torch.rand(3, 5), 2)),
    "quantisation": (torch.fake_quantize_per_tensor_affine, (r(3), 0.1, 0, 0, 255)),
}  # fmt: skip


@pytest.mark.parametrize("kind", KNOWN)
def test_kernels_without_products_are_not_named(kind: str) -> None:
    function, args = KNOWN[kind]
    assert uncounted(function, *args) == set()


UNKNOWN: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "aten::_fft_r2c": (torch.fft.rfft, (r(8),)),
    "aten::linalg_matrix_exp": (torch.matrix_exp, (r(3, 3),)),
    "aten::_linalg_solve_ex": (torch.linalg.solve, (r(3, 3), r(3))),
    "aten::linalg_cholesky_ex": (torch.linalg.cholesky, (torch.eye(3),)),
    "aten::linalg_qr": (torch.linalg.qr, (r(3, 3),)),
    "aten::_linalg_svd": (torch.linalg.svd, (r(3, 3),)),
}


@pytest.mark.parametrize("kernel", UNKNOWN)
def test_kernels_of_linear_algebra_are_named(kernel: str) -> None:
    function, args = UNKNOWN[kernel]
    assert uncounted(function, *args) == {kernel}


@torch.library.custom_op("pdas_tests::product", mutates_args=())
def product(x: Tensor, y: Tensor) -> Tensor:
    return x @ y


@torch.library.custom_op("pdas_tests::scaled", mutates_args=())
def scaled(x: Tensor, scale: Tensor, index: Tensor) -> Tensor:
    return x[index] * scale


class Multiplies(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return product(x, x)


@pytest.fixture
def formula() -> Iterator[None]:
    register_flop_formula(torch.ops.pdas_tests.product)(
        lambda x, y, out_shape=None, **_: 2 * x[0] * x[1] * y[1]
    )
    yield
    del flop_registry[torch.ops.pdas_tests.product]


NET = {"a": nn.Linear(3, 3), "b": Multiplies()}


def test_a_kernel_of_another_library_is_one_warning() -> None:
    net = Supernet(nn.Sequential(Choice("first", NET), Choice("second", NET)))
    with pytest.warns(PdasWarning) as caught:
        cost = net.cost("multiply_adds", r(3, 3))
    (warning,) = caught
    assert str(warning.message).startswith("multiply_adds: found 'pdas_tests::product', which may")
    assert warning.filename == __file__
    assert cost(net.space.architecture([0, 1])) == 27


@pytest.mark.usefixtures("formula")
def test_a_registered_formula_counts() -> None:
    net = Supernet(Choice("op", NET))
    cost = net.cost("multiply_adds", r(3, 3))
    assert cost(net.space.architecture([1])) == 27


def test_a_kernel_that_reads_one_matrix_is_not_named() -> None:
    assert uncounted(scaled, r(3, 3), r(3), torch.zeros(2).long()) == set()


def test_control_flow_is_named() -> None:
    def loop(x: Tensor) -> Any:
        return torch.while_loop(lambda x: x.sum() > 1, lambda x: (x / 2,), (x,))

    assert uncounted(loop, torch.ones(3, 3)) == {"while_loop"}
