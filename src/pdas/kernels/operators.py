"""How the operators are called, and what torch has to know of them: shapes and gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pdas.kernels import gradients

MULTIPLE = 16  # kChannels of cpp/vectors.h


def separable(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The separable convolution; without gradients it keeps no maps for them.

    Args:
        arguments: as of `by_torch.separable`.

    Returns:
        The map, and the statistics of each norm.
    """
    if _is_differentiated(*arguments):
        out, _, of1, _, of2 = gradients.Separable.apply(*arguments)
        return out, of1, of2
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.pdas.separable_inference(*arguments)
    return found


def pointwise(
    xs: Sequence[Tensor], mixes: Sequence[Tensor], *arguments: Any
) -> tuple[Tensor, Tensor]:
    """The 1x1 block; without gradients it keeps no map for them.

    Args:
        xs, mixes, arguments: as of `by_torch.pointwise`.

    Returns:
        The map, and the statistics of the norm.
    """
    if _is_differentiated(*xs, *mixes, *arguments):
        out, _, statistics = _pointwise_with_gradients(xs, mixes, *arguments)
        return out, statistics
    found: tuple[Tensor, Tensor] = torch.ops.pdas.pointwise_inference(
        list(xs), list(mixes), *arguments
    )
    return found


def average_pool(x: Tensor, stride: int) -> Tensor:
    """Average pooling.

    Args:
        x, stride: as of `by_torch.average_pool`.
    """
    found: Tensor = gradients.AveragePool.apply(x, stride)
    return found


def max_pool(x: Tensor, stride: int) -> Tensor:
    """Max pooling.

    Args:
        x, stride: as of `by_torch.max_pool`.
    """
    found: Tensor = gradients.MaxPool.apply(x, stride)[0]
    return found


def _pointwise_with_gradients(
    xs: Sequence[Tensor], mixes: Sequence[Tensor], *arguments: Any
) -> Any:
    return gradients.Pointwise.apply(len(xs), *xs, *mixes, *arguments)


def _is_differentiated(*arguments: Any) -> bool:
    return torch.is_grad_enabled() and any(
        isinstance(x, Tensor) and x.requires_grad for x in arguments
    )


def register() -> torch.library.Library:
    """Give the operators of the loaded library their shapes and gradients.

    Returns:
        What holds them; without it they are gone.
    """
    shapes: dict[str, Callable[..., Any]] = {
        "separable": _separable,
        "separable_inference": _separable_inference,
        "separable_backward": _separable_backward,
        "pointwise": _pointwise,
        "pointwise_inference": _pointwise_inference,
        "pointwise_backward": _pointwise_backward,
        "average_pool": _pooled,
        "average_pool_backward": _unpooled,
        "max_pool": _max_pool,
        "max_pool_backward": _max_unpooled,
    }
    for name, function in shapes.items():
        torch.library.register_fake(f"pdas::{name}", function)
    registered = torch.library.Library("pdas", "IMPL")  # type: ignore[no-untyped-call]
    with_gradients: dict[str, Callable[..., Any]] = {
        "separable": gradients.Separable.apply,
        "pointwise": _pointwise_with_gradients,
        "average_pool": gradients.AveragePool.apply,
        "max_pool": gradients.MaxPool.apply,
    }
    for name, function in with_gradients.items():
        registered.impl(name, function, "Autograd")  # type: ignore[no-untyped-call]
    return registered


def _map(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """As everything that comes out of the operators: channels-last."""
    out = x.new_empty((x.shape[0], height, width, channels))
    return out.permute(0, 3, 1, 2)


def _kept(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """A map before its norm, as it is kept: its channels are filled up to a multiple."""
    filled = (channels + MULTIPLE - 1) // MULTIPLE * MULTIPLE
    return x.new_empty((x.shape[0], height, width, filled))


def _statistics(x: Tensor, channels: int) -> Tensor:
    return x.new_empty((2, channels), dtype=torch.float64)


def _divided(x: Tensor, stride: int) -> tuple[int, int]:
    height, width = ((side + stride - 1) // stride for side in x.shape[2:])
    return height, width


def _separable(
    x: Tensor, filters1: Tensor, mix1: Tensor, *rest: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    mix2, stride = rest[4], rest[-2]
    size = _divided(x, stride)
    middle, last = mix1.shape[0], mix2.shape[0]
    return (
        _map(x, last, *size),
        _kept(x, middle, *size),
        _statistics(x, middle),
        _kept(x, last, *size),
        _statistics(x, last),
    )


def _separable_inference(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
    out, _, of1, _, of2 = _separable(*arguments)
    return out, of1, of2


def _separable_backward(
    gradient: Tensor, x: Tensor, filters1: Tensor, mix1: Tensor, *rest: Any
) -> list[Tensor]:
    filters2, mix2 = rest[4], rest[5]
    found = [_map(x, *x.shape[1:])]
    for filters, mix in ((filters1, mix1), (filters2, mix2)):
        found += [_fresh(filters), _fresh(mix), *(x.new_empty(mix.shape[0]) for _ in range(2))]
    return found


def _fresh(weight: Tensor) -> Tensor:
    return weight.new_empty(weight.shape)


def _pointwise(
    xs: Sequence[Tensor], mixes: Sequence[Tensor], *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    x = xs[0]
    size = _divided(x, len(mixes))  # with two weights the map is halved
    channels = sum(mix.shape[0] for mix in mixes)
    kept = [_kept(x, mix.shape[0], *size) for mix in mixes]
    whole = x.new_empty((*kept[0].shape[:3], sum(k.shape[3] for k in kept)))
    return _map(x, channels, *size), whole, _statistics(x, channels)


def _pointwise_inference(*arguments: Any) -> tuple[Tensor, Tensor]:
    out, _, statistics = _pointwise(*arguments)
    return out, statistics


def _pointwise_backward(
    gradient: Tensor, xs: Sequence[Tensor], mixes: Sequence[Tensor], *rest: Any
) -> list[Tensor]:
    channels = sum(mix.shape[0] for mix in mixes)
    norms = [xs[0].new_empty(channels) for _ in range(2)]
    return [*(_map(x, *x.shape[1:]) for x in xs), *map(_fresh, mixes), *norms]


def _pooled(x: Tensor, stride: int) -> Tensor:
    return _map(x, x.shape[1], *_divided(x, stride))


def _unpooled(gradient: Tensor, stride: int, height: int, width: int) -> Tensor:
    return _map(gradient, gradient.shape[1], height, width)


def _max_pool(x: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    out = _pooled(x, stride)
    return out, torch.empty_like(out, dtype=torch.int8)


def _max_unpooled(gradient: Tensor, places: Tensor, stride: int, height: int, width: int) -> Tensor:
    return _unpooled(gradient, stride, height, width)
