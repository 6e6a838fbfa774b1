"""The gradients of the operators.

Each is an operator of its own. Where a gradient is itself to be differentiated, or is asked for in
a batch, the result is computed again by `by_torch`, with whose graph torch can do either.

They are functions of autograd in their own right, since those that `torch.library` makes take
longer in Python than an operator on small maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from pdas.kernels import by_torch
from pdas.kernels.conditions import is_transformed

Found = Sequence[Tensor | None]


def _results(operator: Any, *inputs: Any) -> Any:
    """Those of an operator, below the functions of this module."""
    with torch._C._AutoDispatchBelowAutograd():
        return operator(*inputs)


def _keep(ctx: Any, tensors: Found, results: Sequence[Tensor]) -> None:
    """Keep inputs and results; of the results of an operator only the first has a gradient."""
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*results)
    ctx.save_for_backward(*tensors, *results)


def _needs_torch(gradient: Tensor) -> bool:
    """Whether a gradient needs a graph, or stands for a batch of them (`is_grads_batched`)."""
    return (
        torch.is_grad_enabled()
        or is_transformed()
        or torch._C._functorch.is_legacy_batchedtensor(gradient)
    )


def _again(function: Callable[..., Tensor], gradient: Tensor, inputs: Found) -> list[Tensor | None]:
    """The gradients of all inputs, with a graph of their own.

    They are those of views: one input may be computed from another, or be the same.
    """
    with torch.enable_grad():
        views = [x if x is None else x.view_as(x) for x in inputs]
        out = function(*views)
    wanted = [x for x in views if x is not None and x.requires_grad]
    found = iter(torch.autograd.grad(out, wanted, gradient, create_graph=True))
    return [next(found) if x is not None and x.requires_grad else None for x in views]


def _of_affine(scale: Tensor | None, shift: Tensor | None, found: Sequence[Any]) -> list[Any]:
    """The gradients of what there is of the two."""
    return [None if x is None else each for x, each in zip((scale, shift), found, strict=True)]


# ---- separable convolution


class Separable(Function):
    """The separable convolution with its gradients; the arguments are those of the operator.

    Example:
        out, *_ = Separable.apply(*arguments)
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        results = _results(torch.ops.pdas.separable.default, *inputs)
        *tensors, ctx.stride, ctx.epsilon = inputs
        _keep(ctx, tensors, results[1:])
        return results

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_: Any) -> tuple[Any, ...]:
        if gradient is None:
            return (None,) * len(ctx.needs_input_grad)
        saved = ctx.saved_tensors  # once: `torch.utils.checkpoint` gives them only once
        inputs, results = saved[:-4], saved[-4:]
        numbers = (ctx.stride, ctx.epsilon)
        if _needs_torch(gradient):
            found = _again(lambda *x: by_torch.separable(*[*x, *numbers]), gradient, inputs)
            return (*found, None, None)
        x, f1, m1, scale1, shift1, given1, f2, m2, scale2, shift2, _given2, keep = inputs
        first = f1, m1, scale1, shift1, *results[:2]
        second = f2, m2, scale2, shift2, *results[2:]
        of_x, *of_weights = torch.ops.pdas.separable_backward(
            gradient, x, *first, *second, keep, *numbers, given1 is not None
        )
        of1, of2 = of_weights[:4], of_weights[4:]
        of1[2:], of2[2:] = _of_affine(scale1, shift1, of1[2:]), _of_affine(scale2, shift2, of2[2:])
        return (of_x, *of1, None, *of2, None, None, None, None)


# ---- 1x1 convolution


class Pointwise(Function):
    """The 1x1 block with its gradients.

    The arguments are the number of maps and those of the operator, maps and weights one by one.

    Example:
        out, *_ = Pointwise.apply(len(xs), *xs, *mixes, *arguments)
    """

    @staticmethod
    def forward(ctx: Any, maps: int, *inputs: Any) -> Any:
        *tensors, ctx.epsilon = inputs
        ctx.maps = maps
        results = _results(torch.ops.pdas.pointwise.default, *_lists(tensors, maps), ctx.epsilon)
        _keep(ctx, tensors, results[1:])
        return results

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_: Any) -> tuple[Any, ...]:
        if gradient is None:
            return (None,) * len(ctx.needs_input_grad)
        saved = ctx.saved_tensors
        inputs, results = saved[:-2], saved[-2:]
        if _needs_torch(gradient):
            found = _again(
                lambda *x: by_torch.pointwise(*[*_lists(x, ctx.maps), ctx.epsilon]),
                gradient,
                inputs,
            )
            return (None, *found, None)
        xs, mixes, scale, shift, given, keep = _lists(inputs, ctx.maps)
        found = torch.ops.pdas.pointwise_backward(
            gradient, xs, mixes, scale, shift, *results, keep, ctx.epsilon, given is not None
        )
        return (None, *found[:-2], *_of_affine(scale, shift, found[-2:]), None, None, None)


_OF_NORM = 4  # scale, shift, statistics and factors of samples


def _lists(tensors: Sequence[Any], maps: int) -> tuple[Any, ...]:
    """The arguments of the operator but the last: a list of maps, one of weights, and the rest."""
    return list(tensors[:maps]), list(tensors[maps:-_OF_NORM]), *tensors[-_OF_NORM:]


# ---- pooling


class AveragePool(Function):
    """Average pooling with its gradient; the arguments are those of the operator.

    Example:
        AveragePool.apply(x, 1)
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, stride: int) -> Any:
        ctx.shape, ctx.stride = x.shape, stride
        return _results(torch.ops.pdas.average_pool.default, x, stride)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None]:
        if _needs_torch(gradient):  # linear, so that any input will do
            x = torch.zeros(ctx.shape, dtype=gradient.dtype, device="cpu", requires_grad=True)
            (found,) = _again(lambda x: by_torch.average_pool(x, ctx.stride), gradient, [x])
            return found, None
        size = ctx.shape[2:]
        return torch.ops.pdas.average_pool_backward(gradient, ctx.stride, *size), None


class MaxPool(Function):
    """Maximum pooling with its gradient; the arguments are those of the operator.

    Example:
        out, places = MaxPool.apply(x, 1)
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, stride: int) -> Any:
        ctx.size, ctx.stride = x.shape[2:], stride
        results = _results(torch.ops.pdas.max_pool.default, x, stride)
        _keep(ctx, [], results[1:])
        return results

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, _: Any) -> tuple[Tensor | None, None]:
        if gradient is None:
            return None, None
        (places,) = ctx.saved_tensors
        if _needs_torch(gradient):
            return by_torch.max_pool_gradient(gradient, places, ctx.stride, ctx.size), None
        return torch.ops.pdas.max_pool_backward(gradient, places, ctx.stride, *ctx.size), None
