"""Which kernels that have no formula may do products that would count.

PyTorch's own are known by their names. One of another library may if it reads two matrices: with
one, beside vectors or indices, there is nothing to multiply but numbers one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from pdas.nn.counting.formulas import name_of

_OF_PYTORCH = frozenset(
    [
        *("aten", "prim", "prims", "profiler", "export", "debugprims", "rngprims"),
        *("quantized", "_quantized", "quantization", "onednn", "sparse", "static_runtime"),
        *("mkl", "mkldnn", "mkldnn_prepacked", "inductor", "inductor_prims", "_native"),
        *("c10d", "_c10d_functional", "_c10d_functional_autograd", "symm_mem", "torchvision"),
    ]
)

_MULTIPLIES = re.compile(
    r"""mm($|_)|mv($|_)|matmul|(^|_)v?dot($|_)|gemm
    | conv(\d|_|olution)
    | ^(?!_?upsample).*linear                     # interpolation is no product of matrices
    | attention|transformer_encoder|gru|lstm|rnn
    | ^_fft_|cholesky|geqrf|ormqr|solve
    | ^_?linalg_(?!vector_norm|cross|_powsum|check)""",
    re.VERBOSE,
)
_ONLY_NAMED_SO = re.compile("prepack|pack_gemm|reorder|flatten|search|_thnn_fused")


def may_multiply(kernel: Any, args: Iterable[Any]) -> bool:
    """Whether a kernel without a formula may do products that would count.

    Args:
        kernel: an operator of PyTorch, as a dispatch mode sees it.
        args: what it is called with.
    """
    if not isinstance(kernel, OpOverload):  # control flow, or a kernel of Triton
        return True
    library, _, name = name_of(kernel).rpartition("::")
    if library in _OF_PYTORCH:
        return bool(_MULTIPLIES.search(name)) and not _ONLY_NAMED_SO.search(name)
    return sum(map(_is_operand, args)) > 1


def _is_operand(value: Any) -> bool:
    """Whether something is a matrix of numbers that are no indices, or packed weights."""
    if isinstance(value, list | tuple):
        return any(map(_is_operand, value))
    if isinstance(value, Tensor):
        return value.dim() > 1 and value.dtype not in (torch.int64, torch.int32, torch.bool)
    return isinstance(value, torch.ScriptObject)
