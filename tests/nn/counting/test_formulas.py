"""Multiply-adds of single kernels, against definitions and against runs by other kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import deform_conv2d

from pdas.nn.counting.counter import counting

aten = torch.ops.aten


def counted(function: Callable[..., Any], *args: Any) -> int:
    with torch.no_grad(), counting() as counter:
        function(*args)
    assert not counter.uncounted
    return counter.total


def meta(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


r = torch.randn
Q, K, V = meta(2, 4, 7, 8), meta(2, 4, 9, 8), meta(2, 4, 9, 8)
ATTENTION = 2 * 4 * 7 * 9 * (8 + 8)
LSTM_WEIGHTS = [meta(16, 3), meta(16, 4), meta(16), meta(16)]
STATES = (meta(1, 2, 4), meta(1, 2, 4))
CUDNN = (1, False, 0.0, False, False, [], None)
LSTM = 5 * 2 * 16 * (3 + 4)

KERNELS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "mm": (torch.mm, (r(3, 4), r(4, 5)), 60),
    "mm into": (lambda a, b: torch.mm(a, b, out=r(3, 5)), (r(3, 4), r(4, 5)), 60),
    "addmm in place": (Tensor.addmm_, (r(3, 5), r(3, 4), r(4, 5)), 60),
    "addmm and activation": (torch._addmm_activation, (r(5), r(3, 4), r(4, 5)), 60),
    "baddbmm in place": (Tensor.baddbmm_, (r(2, 3, 5), r(2, 3, 4), r(2, 4, 5)), 120),
    "addbmm": (torch.addbmm, (r(3, 5), r(2, 3, 4), r(2, 4, 5)), 120),
    "mv": (torch.mv, (r(3, 4), r(4)), 12),
    "addmv": (torch.addmv, (r(3), r(3, 4), r(4)), 12),
    "dot": (torch.dot, (r(4), r(4)), 4),
    "vdot": (torch.vdot, (r(4), r(4)), 4),
    "inner": (torch.inner, (r(4), r(4)), 4),
    "inner of matrices": (torch.inner, (r(3, 4), r(5, 4)), 60),
    "matmul with a vector": (torch.matmul, (r(2, 3, 4), r(4)), 24),
    "einsum": (torch.einsum, ("bij,bj->bi", r(2, 3, 4), r(2, 4)), 24),
    "chain": (torch.linalg.multi_dot, ((r(3, 4), r(4, 5), r(5)),), 20 + 12),
    "integers": (
        torch._int_mm,
        (torch.ones(32, 16, dtype=torch.int8), torch.ones(16, 8, dtype=torch.int8)),
        32 * 16 * 8,
    ),
    "bilinear": (F.bilinear, (r(3, 4), r(3, 5), r(6, 4, 5)), 3 * 6 * 4 * 5 + 3 * 6 * 5),
    "distances": (torch.cdist, (r(30, 4), r(29, 4)), 30 * 29 * 4),
    "few distances": (torch.cdist, (r(3, 4), r(2, 4)), 3 * 2 * 4),
    "distances of pairs": (F.pdist, (r(5, 4),), 10 * 4),
    "sparse": (torch.sparse.mm, (torch.eye(3).to_sparse(), r(3, 5)), 3 * 5),
    "sparse with a vector": (torch.mv, (torch.eye(3).to_sparse(), r(3)), 3),
    "flash": (aten._scaled_dot_product_flash_attention, (Q, K, V), ATTENTION),
    "flash on CPUs": (aten._scaled_dot_product_flash_attention_for_cpu, (Q, K, V), ATTENTION),
    "cudnn": (aten._scaled_dot_product_cudnn_attention, (Q, K, V, None, False), ATTENTION),
    "efficient": (aten._scaled_dot_product_efficient_attention, (Q, K, V, None, False), ATTENTION),
    "other devices": (aten._scaled_dot_product_fused_attention_overrideable, (Q, K, V), ATTENTION),
    "Apple": (aten._scaled_dot_product_attention_math_for_mps, (Q, K, V), ATTENTION),
    "flash inside": (
        aten._flash_attention_forward,
        (*(x.transpose(1, 2) for x in (Q, K, V)), None, None, 7, 9, 0.0, False, False),
        ATTENTION,
    ),
    "efficient inside": (
        aten._efficient_attention_forward,
        (*(x.transpose(1, 2) for x in (Q, K, V)), None, None, None, None, None, 0.0, 0, False),
        ATTENTION,
    ),
    "heads in one piece": (
        torch._native_multi_head_attention,
        (*[r(1, 7, 8)] * 3, 8, 2, r(24, 8), r(24), r(8, 8), r(8), None, False),
        2576,
    ),
    "LSTM of cudnn": (
        aten._cudnn_rnn,
        (meta(5, 2, 3), LSTM_WEIGHTS, 4, None, *STATES, 2, 4, 0, *CUDNN),
        LSTM,
    ),
    "LSTM of miopen": (
        aten.miopen_rnn,
        (meta(5, 2, 3), LSTM_WEIGHTS, 4, *STATES, 2, 4, *CUDNN),
        LSTM,
    ),
    "convolution of mkldnn": (
        torch.mkldnn_convolution,
        (r(2, 3, 7, 7), r(4, 3, 3, 3), None, [0, 0], [1, 1], [1, 1], 1),
        2 * 25 * 4 * 27,
    ),
    "slow convolution": (
        aten._slow_conv2d_forward,
        (r(2, 3, 7, 7), r(4, 3, 3, 3), [3, 3], None, [1, 1], [0, 0]),
        2 * 25 * 4 * 27,
    ),
    "convolution in time": (torch.conv_tbc, (r(7, 2, 3), r(3, 3, 4), r(4)), 5 * 2 * 3 * 3 * 4),
    "deformed convolution": (
        deform_conv2d,
        (r(1, 3, 7, 7), r(1, 18, 5, 5), r(4, 3, 3, 3)),
        25 * 4 * 27,
    ),
    "groups of rows": (
        torch._grouped_mm,
        (r(16, 16).bfloat16(), r(2, 16, 32).bfloat16(), torch.tensor([8, 16], dtype=torch.int32)),
        16 * 16 * 32,
    ),
    "groups of columns": (
        torch._grouped_mm,
        (r(2, 8, 16).bfloat16(), r(16, 32).bfloat16(), torch.tensor([8, 32], dtype=torch.int32)),
        8 * 16 * 32,
    ),
    "groups of summands": (
        torch._grouped_mm,
        (r(8, 32).bfloat16(), r(32, 16).bfloat16(), torch.tensor([16, 32], dtype=torch.int32)),
        8 * 32 * 16,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KERNELS)
def test_kernels_count_as_defined(kind: str) -> None:
    function, args, expected = KERNELS[kind]
    assert counted(function, *args) == expected


RECURRENT = [
    nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    nn.LSTM(3, 4, num_layers=2, proj_size=2),
    nn.GRU(3, 4, batch_first=True, bias=False),
    nn.RNN(3, 4, nonlinearity="relu"),
]


@pytest.mark.parametrize("layer", RECURRENT)
@pytest.mark.filterwarnings(
    "ignore:TF32 acceleration", "ignore:Please use the new API", "ignore:LSTM with proj"
)
def test_recurrent_layers_count_as_step_by_step(layer: nn.RNNBase) -> None:
    x = r(5, 2, 3)
    without = torch.backends.mkldnn.flags(enabled=False)
    with torch.no_grad(), without, FlopCounterMode(display=False) as counter:
        layer(x)
    assert counted(layer, x) == counter.get_total_flops() // 2 > 0


def test_sequences_of_unequal_lengths_count_their_steps() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(r(5, 2, 3), torch.tensor([5, 3]))
    assert counted(nn.LSTM(3, 4), packed) == (5 + 3) * 16 * 7


def test_sequences_in_one_count_with_themselves() -> None:
    starts = torch.tensor([0, 3, 8], dtype=torch.int32)
    x = torch.empty(1, 8, 4, 16, device="meta")
    args = (x, x, x, None, starts, starts, 5, 5, 0.0, 0, False)
    assert counted(aten._efficient_attention_forward, *args) == 4 * (9 + 25) * 32


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("transposed", ["", "Transpose"])
def test_convolutions_count_as_pytorch_says(dims: int, groups: int, transposed: str) -> None:
    layer = getattr(nn, f"Conv{transposed}{dims}d")(4, 6, 3, stride=2, padding=1, groups=groups)
    x = r(2, 4, *[7] * dims)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(x)
    assert counted(layer, x) == counter.get_total_flops() // 2
    assert counted(layer, x[0]) == counter.get_total_flops() // 4  # of a batch of two
