"""The multiply-adds of single kernels, from the shapes of what they read and write.

`formula_of` knows the commonest kernels by `torch.utils.flop_counter`, where users register
further ones. That has none of attention on CPUs, of products of vectors, of recurrent layers in one
piece, and of others; those are here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

Formula = Callable[..., int]
"""From the output of a kernel and its arguments to its multiply-adds."""


def formula_of(kernel: Any) -> Formula | None:
    """The formula of a kernel, or None where nobody has one.

    Args:
        kernel: an operator of PyTorch, as a dispatch mode sees it.
    """
    own = _FORMULAS.get(name_of(kernel).removesuffix("_"))  # in place or not
    packet = getattr(kernel, "overloadpacket", kernel)
    if own is None and packet in flop_registry:
        of_pytorch = flop_registry[packet]
        # PyTorch counts a multiply-add as two.
        return lambda out, *args, **named: of_pytorch(*args, **named, out_val=out) // 2
    return own


def name_of(kernel: Any) -> str:
    """The name of a kernel, as "aten::mm".

    Args:
        kernel: an operator of PyTorch, as a dispatch mode sees it.
    """
    schema = getattr(kernel, "_schema", None)
    return str(kernel) if schema is None else str(schema.name)


def attention(out: Any, /, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> int:
    """The products of each query with all keys, and the weighted sum of all values.

    A mask saves nothing.

    Args:
        out: `(..., heads, queries, value size)`, or a tuple with it first.
        query: `(..., heads, queries, size)`.
        key: `(..., heads or a divisor of them, keys, size)`.
        value: `(..., heads or a divisor of them, keys, value size)`.
    """
    rows = prod(_first(out).shape[:-1])
    return rows * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _efficient_attention(
    out: Any,
    /,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Any,
    starts: Any,
    key_starts: Any,
    *_: Any,
    **__: Any,
) -> int:
    """Attention of `(batch, tokens, heads, size)`; of sequences in one, with where each starts."""
    batch, queries, heads, size = query.shape
    pairs = batch * queries * key.shape[1]
    if starts is not None:
        pairs = int((starts.diff() * key_starts.diff()).sum())
    return heads * pairs * (size + value.shape[-1])


def _first(out: Any) -> Tensor:
    """The output of a kernel, which is the first of several."""
    first: Tensor = out if isinstance(out, Tensor) else out[0]
    return first


def _product(out: Any, /, left: Tensor, right: Tensor, *_: Any, **__: Any) -> int:
    """Each number of the left matrix or vector with each column of the right."""
    return _stored(left) * (right.shape[-1] if right.dim() > 1 else 1)


def _added_product(out: Any, /, summand: Tensor, *factors: Any, **_: Any) -> int:
    return _product(out, *factors)


def _stored(matrix: Tensor) -> int:
    """The numbers in a matrix, of which a sparse one has only some."""
    if matrix.layout is torch.strided:
        return matrix.numel()
    values = matrix._values() if matrix.layout is torch.sparse_coo else matrix.values()
    return values.numel()


def _linear(out: Any, /, x: Tensor, *_: Any, **__: Any) -> int:
    """Each number of the output is a sum over the last dimension of the input."""
    return _first(out).numel() * x.shape[-1]


def _grouped_product(out: Any, /, left: Tensor, right: Tensor, *_: Any, **__: Any) -> int:
    """Products of parts of matrices, of their rows, their columns or what is summed over."""
    return min(left.numel() * right.shape[-1], _first(out).numel() * left.shape[-1])


def _convolution(out: Any, /, x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """All of the weight at each place of the output."""
    return weight.numel() * (_first(out).numel() // _first(out).shape[1])


def _any_convolution(
    out: Any,
    /,
    x: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    *_: Any,
    **__: Any,
) -> int:
    """One of the two below, as an argument says."""
    return (_transposed_convolution if transposed else _convolution)(out, x, weight)


def _transposed_convolution(out: Any, /, x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """All of the weight at each place of the input."""
    return weight.numel() * (x.numel() // x.shape[1])


def _convolution_in_time(out: Tensor, /, x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """All of the weight at each place of an output `(time, batch, channels)`."""
    return weight.numel() * prod(out.shape[:2])


def _recurrent(out: Any, /, x: Tensor, *args: Any, **_: Any) -> int:
    """All matrices among the weights in each step of each sequence; states are no matrices."""
    weights = [w for arg in args for w in (arg if isinstance(arg, list | tuple) else [arg])]
    matrices = [w for w in weights if isinstance(w, Tensor) and w.dim() == 2]
    return prod(x.shape[:-1]) * sum(matrix.numel() for matrix in matrices)


def _recurrent_layer(out: Any, /, x: Tensor, first: Tensor, second: Tensor, *_: Any) -> int:
    """Both weights of one layer, of what it reads and of its state, in each step."""
    return prod(x.shape[:-1]) * (first.numel() + second.numel())


def _trilinear(
    out: Any,
    /,
    x: Tensor,
    y: Tensor,
    z: Tensor,
    x_new: Sequence[int],
    y_new: Sequence[int],
    z_new: Sequence[int],
    sums: Sequence[int],
    *_: Any,
) -> int:
    """Two products: of the first two tensors, and of what is left of that with the third."""
    first = _larger(_unsqueezed(x, x_new), _unsqueezed(y, y_new))
    left = [1 if dim in sums and dim in z_new else size for dim, size in enumerate(first)]
    return prod(first) + prod(_larger(left, _unsqueezed(z, z_new)))


def _larger(first: Sequence[int], second: Sequence[int]) -> list[int]:
    """The shape of a product of tensors, of which one may have size 1 where the other has more."""
    return list(map(max, first, second))


def _unsqueezed(x: Tensor, dims: Sequence[int]) -> list[int]:
    """The shape with further dimensions of size 1."""
    shape = list(x.shape)
    for dim in dims:
        shape.insert(dim, 1)
    return shape


def _heads(out: Any, /, query: Tensor, key: Tensor, value: Tensor, size: int, *_: Any) -> int:
    """Attention of `(batch, tokens, size)` with its four projections."""
    rows = [prod(x.shape[:-1]) for x in (query, key, value, query)]
    return size * size * sum(rows) + 2 * size * rows[0] * key.shape[-2]


def _encoder_layer(out: Any, /, x: Tensor, size: int, *args: Any) -> int:
    """Attention and two linear layers, which have weights of one size."""
    *_, hidden = args[:13]
    return _heads(out, x, x, x, size) + 2 * prod(x.shape[:-1]) * int(hidden.numel())


_KERNELS: dict[Formula, str] = {
    attention: """
        aten::scaled_dot_product_attention
        aten::_scaled_dot_product_flash_attention
        aten::_scaled_dot_product_flash_attention_for_cpu
        aten::_scaled_dot_product_efficient_attention
        aten::_scaled_dot_product_cudnn_attention
        aten::_scaled_dot_product_attention_math_for_mps
        aten::_scaled_dot_product_fused_attention_overrideable
        aten::_triton_scaled_dot_attention""",
    _efficient_attention: "aten::_efficient_attention_forward",
    _heads: "aten::_native_multi_head_attention aten::_triton_multi_head_attention",
    _encoder_layer: "aten::_transformer_encoder_layer_fwd",
    _product: """
        aten::mm aten::bmm aten::mv aten::dot aten::vdot aten::_int_mm aten::_scaled_mm
        aten::_scaled_mm_v2 aten::_sparse_mm aten::hspmm aten::smm""",
    _added_product: """
        aten::addmm aten::baddbmm aten::addbmm aten::addmv aten::_addmm_activation
        aten::_sparse_addmm aten::sspaddmm""",
    _linear: """
        aten::_cdist_forward aten::_euclidean_dist aten::_pdist_forward
        aten::_weight_int8pack_mm aten::_weight_int4pack_mm aten::_weight_int4pack_mm_for_cpu
        aten::_weight_int4pack_mm_with_scales_and_zeros aten::_dyn_quant_matmul_4bit
        aten::_mixed_dtypes_linear aten::_sparse_semi_structured_linear
        aten::mkldnn_linear aten::fbgemm_linear_int8_weight aten::fbgemm_linear_fp16_weight
        mkl::_mkl_linear mkldnn::_linear_pointwise onednn::qlinear_pointwise
        quantized::linear quantized::linear_relu quantized::linear_dynamic
        quantized::linear_relu_dynamic quantized::linear_dynamic_fp16""",
    _grouped_product: """
        aten::_grouped_mm aten::_scaled_grouped_mm aten::_scaled_grouped_mm_v2
        transformers::grouped_mm_fallback""",
    _convolution: """
        aten::_slow_conv2d_forward aten::thnn_conv2d aten::slow_conv_dilated2d
        aten::slow_conv3d aten::slow_conv3d_forward aten::slow_conv_dilated3d
        aten::_conv_depthwise2d aten::conv_depthwise3d aten::_nnpack_spatial_convolution
        aten::mkldnn_convolution aten::cudnn_convolution aten::_mps_convolution
        aten::cudnn_convolution_relu aten::cudnn_convolution_add_relu
        aten::miopen_convolution aten::miopen_depthwise_convolution
        aten::miopen_convolution_relu aten::miopen_convolution_add_relu
        mkldnn::_convolution_pointwise torchvision::deform_conv2d""",
    _any_convolution: """
        aten::convolution aten::_convolution aten::convolution_overrideable""",
    _transposed_convolution: """
        aten::slow_conv_transpose2d aten::slow_conv_transpose3d
        aten::cudnn_convolution_transpose aten::miopen_convolution_transpose
        aten::_mps_convolution_transpose mkldnn::_convolution_transpose_pointwise""",
    _convolution_in_time: "aten::conv_tbc",
    _recurrent: "aten::_cudnn_rnn aten::miopen_rnn aten::_lstm_mps",
    _recurrent_layer: "aten::mkldnn_rnn_layer",
    _trilinear: "aten::_trilinear",
}

_FORMULAS = {name: formula for formula, names in _KERNELS.items() for name in names.split()}
