"""The gradients of the operators.

Each is an operator of its own. Where a gradient is itself to be differentiated, the result is
computed again by `by_torch`, whose graph torch can differentiate as often as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pdas.kernels import by_torch

Found = Sequence[Tensor | None]


def _keep(ctx: Any, tensors: Found, results: Sequence[Tensor]) -> None:
    """Keep inputs and results; of the results of an operator only the first has a gradient."""
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*results)
    ctx.save_for_backward(*tensors, *results)


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

_SEPARABLE = 14  # inputs, of which the last two are numbers


def keep_separable(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.stride, ctx.epsilon = inputs
    _keep(ctx, tensors, output[1:])


def separable(ctx: Any, gradient: Tensor | None, *_: Any) -> tuple[Any, ...]:
    if gradient is None:
        return (None,) * _SEPARABLE
    inputs, results = ctx.saved_tensors[:-4], ctx.saved_tensors[-4:]
    numbers = (ctx.stride, ctx.epsilon)
    if torch.is_grad_enabled():

        def again(*tensors: Any) -> Tensor:
            arguments: tuple[Any, ...] = (*tensors, *numbers)
            return by_torch.separable(*arguments)

        found = _again(again, gradient, inputs)
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


def keep_pointwise(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    xs, mixes, *norm, ctx.epsilon = inputs
    ctx.counts = len(xs), len(mixes)
    _keep(ctx, [*xs, *mixes, *norm], output[1:])


def pointwise(ctx: Any, gradient: Tensor | None, *_: Any) -> tuple[Any, ...]:
    maps, weights = ctx.counts
    if gradient is None:
        return [None] * maps, [None] * weights, None, None, None, None, None
    inputs, results = ctx.saved_tensors[:-2], ctx.saved_tensors[-2:]
    both = maps + weights

    def split(tensors: Found) -> tuple[list[Any], list[Any], Found]:
        return list(tensors[:maps]), list(tensors[maps:both]), tensors[both:]

    if torch.is_grad_enabled():

        def again(*tensors: Any) -> Tensor:
            xs, mixes, (scale, shift, given, keep) = split(tensors)
            return by_torch.pointwise(xs, mixes, scale, shift, given, keep, ctx.epsilon)

        of_xs, of_mixes, of_norm = split(_again(again, gradient, inputs))
        return of_xs, of_mixes, *of_norm, None
    xs, mixes, (scale, shift, given, keep) = split(inputs)
    found = torch.ops.pdas.pointwise_backward(
        gradient, xs, mixes, scale, shift, *results, keep, ctx.epsilon, given is not None
    )
    of_xs, of_mixes, of_affine = split(found)
    return of_xs, of_mixes, *_of_affine(scale, shift, of_affine), None, None, None


# ---- pooling


def keep_average_pool(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, ctx.stride = inputs
    ctx.shape = x.shape


def average_pool(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None]:
    if torch.is_grad_enabled():  # linear, so that any input will do
        x = gradient.new_zeros(ctx.shape, requires_grad=True)
        (found,) = _again(lambda x: by_torch.average_pool(x, ctx.stride), gradient, [x])
        return found, None
    size = ctx.shape[2:]
    return torch.ops.pdas.average_pool_backward(gradient, ctx.stride, *size), None


def keep_maximum_pool(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, ctx.stride = inputs
    ctx.size = x.shape[2:]
    _keep(ctx, [], output[1:])


def maximum_pool(ctx: Any, gradient: Tensor | None, _: Any) -> tuple[Tensor | None, None]:
    if gradient is None:
        return None, None
    (places,) = ctx.saved_tensors
    if torch.is_grad_enabled():
        return by_torch.maximum_pool_gradient(gradient, places, ctx.stride, ctx.size), None
    return torch.ops.pdas.maximum_pool_backward(gradient, places, ctx.stride, *ctx.size), None
