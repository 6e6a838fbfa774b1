"""Running a module for what it calls and of which shapes, without its large products.

Of a large product of matrices or convolution there are zeros of the right shape. All the rest runs:
most of the time is in those, and what a module does besides, as looking up what is out of range, is
found all the same. What is less than certain runs as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn

from pdas.nn.counting.counter import Execution

LARGE = 2**20  # multiply-adds; fewer take no time

_aten = torch.ops.aten
_SUMMANDS = (_aten.addmm.default, _aten.baddbmm.default)
_PRODUCTS = frozenset((_aten.mm.default, _aten.bmm.default, *_SUMMANDS))
_READS = frozenset((Tensor.tolist, Tensor.numpy, Tensor.__array__))
_DEPENDENT = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)


class ValuesReadError(BaseException):
    """A module decides by values that an outline has not computed.

    No `Exception`, so that the module does not handle it.

    Example:
        raise ValuesReadError()
    """


class Outline(Execution):
    """Runs kernels, but gives zeros for large products.

    Raises:
        ValuesReadError: when something is called that reads values after that.

    Example:
        with outlining(module) as outline, counting(outline) as counter:
            module(x)
    """

    def __init__(self) -> None:
        self._has_zeros = False

    def function(self, function: Any, args: Any, named: Any) -> Any:
        """As of `Execution`."""
        if self._has_zeros and function in _READS:  # they come to no kernel
            raise ValuesReadError
        return function(*args, **named)

    def kernel(self, kernel: Any, args: Any, named: Any) -> Any:
        """As of `Execution`."""
        if kernel is _aten.convolution.default:
            zeros = _convolution(*args)
        elif kernel in _PRODUCTS:
            zeros = _product(kernel, args, named)
        else:
            if self._has_zeros and _depends_on_values(kernel) and not _by_numbers(kernel, args):
                raise ValuesReadError
            zeros = None
        if zeros is None:
            return kernel(*args, **named)
        self._has_zeros = True
        return zeros


@cache
def _depends_on_values(kernel: Any) -> bool:
    """Whether numbers, and not shapes alone, decide what a kernel gives."""
    tags = getattr(kernel, "tags", ())
    return any(tag in tags for tag in _DEPENDENT)


def _by_numbers(kernel: Any, args: Any) -> bool:
    """Whether it only looks up by numbers, and not by a mask, of which the values are a shape."""
    masks = (torch.bool, torch.uint8)
    return kernel is _aten.index.Tensor and not any(
        index is not None and index.dtype in masks for index in args[1]
    )


def _product(kernel: Any, args: Any, named: Any) -> Tensor | None:
    """Zeros for a product of matrices; None if it is small, or may be refused."""
    if not _are_plain(args):
        return None
    left, right = args[-2:]
    if left.numel() * right.shape[-1] < LARGE:
        return None
    try:
        out = kernel(*map(_without_values, args), **named)
        if kernel in _SUMMANDS:
            args[0].expand(out.shape)
    except Exception:  # the kernel itself says better what does not fit
        return None
    return torch.zeros(out.shape, dtype=out.dtype, device=left.device)


def _without_values(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor | None:
    """Zeros for a convolution; None if it is small, unusual, or may be refused."""
    channels, inner, *kernel = weight.shape
    usual = (
        _are_plain((x, weight) if bias is None else (x, weight, bias))
        and not transposed
        # Else the order of the output in memory depends on the device.
        and x.is_contiguous()
        and weight.is_contiguous()
        and x.dim() == weight.dim()
        and x.shape[1] == inner * groups
        and channels % groups == 0
        and (bias is None or bias.shape == (channels,))
        and len(stride) == len(padding) == len(dilation) == len(kernel)
        and min(*stride, *dilation) > 0
        and min(padding) >= 0
    )
    if not usual:
        return None
    geometry = zip(x.shape[2:], padding, dilation, kernel, stride, strict=True)
    places = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in geometry]
    shape = (x.shape[0], channels, *places)
    if min(shape) < 1 or torch.Size((*shape, inner, *kernel)).numel() < LARGE:
        return None
    return torch.zeros(shape, dtype=x.dtype, device=x.device)


def _are_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether tensors are of one plain kind, which has products on every device."""
    first = tensors[0]
    return first.is_floating_point() and all(
        type(tensor) in (Tensor, nn.Parameter)
        and tensor.layout is torch.strided
        and tensor.dtype == first.dtype
        and tensor.device == first.device
        for tensor in tensors
    )


@contextmanager
def outlining(module: nn.Module) -> Iterator[Outline]:
    """Outline what a module does within a `with` block.

    A tensor that a part keeps for its next call may hold zeros: such a part gets back the
    attributes and buffers that it had.

    Args:
        module: that runs in the block.
    """
    before = [(part, dict(vars(part)), dict(part._buffers)) for part in module.modules()]
    try:
        yield Outline()
    finally:
        for part, attributes, buffers in before:
            if _keeps_more(vars(part), attributes) or _keeps_more(part._buffers, buffers):
                _replace(vars(part), attributes)
                _replace(part._buffers, buffers)


def _keeps_more(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether there is another tensor than before."""
    if len(now) == len(before) and all(map(is_, now.values(), before.values())):
        return False  # the usual case
    known = set(map(id, before.values()))
    return any(isinstance(x, Tensor) and id(x) not in known for x in now.values())


def _replace(now: dict[str, Any], before: dict[str, Any]) -> None:
    now.clear()
    now.update(before)
