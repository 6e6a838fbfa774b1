"""Normalisations of each example whose width is a choice."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.following import group_size
from pdas.nn.widths import Width, segments_of, widest
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class LayerNorm(Elastic, nn.LayerNorm):
    """`nn.LayerNorm` over a last dimension that may be a choice.

    Args:
        normalized_shape: a number, a `Value`, or a sum or a multiple of such.
        eps, elementwise_affine, bias: as of `nn.LayerNorm`.

    Raises:
        NetworkError: the dimension is no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.LayerNorm(width), nn.ReLU())
    """

    kind = nn.LayerNorm

    def __init__(
        self,
        normalized_shape: Width,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.set_sizes(width=normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        whole = nn.LayerNorm(widest(normalized_shape), eps, elementwise_affine, bias)
        self.add_weight("weight", whole.weight, normalized_shape)
        self.add_weight("bias", whole.bias, normalized_shape)

    @property
    def normalized_shape(self) -> tuple[Any, ...]:  # type: ignore[override]
        """The normalised dimension as PyTorch has it, of one width."""
        return (self.width,)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        affine = layer.elementwise_affine
        return {
            "normalized_shape": _last_dimension(layer),
            "eps": layer.eps,
            "elementwise_affine": affine,
            "bias": layer.bias is not None or not affine,
        }


class RMSNorm(Elastic, nn.RMSNorm):
    """`nn.RMSNorm` over a last dimension that may be a choice.

    Args:
        normalized_shape: a number, a `Value`, or a sum or a multiple of such.
        eps, elementwise_affine: as of `nn.RMSNorm`.

    Raises:
        NetworkError: the dimension is no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.RMSNorm(width), nn.ReLU())
    """

    kind = nn.RMSNorm

    def __init__(
        self, normalized_shape: Width, eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        self.set_sizes(width=normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        whole = nn.RMSNorm(widest(normalized_shape), eps, elementwise_affine)
        self.add_weight("weight", whole.weight, normalized_shape)

    @property
    def normalized_shape(self) -> tuple[Any, ...]:  # type: ignore[override]
        """The normalised dimension as PyTorch has it, of one width."""
        return (self.width,)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        return {
            "normalized_shape": _last_dimension(layer),
            "eps": layer.eps,
            "elementwise_affine": layer.elementwise_affine,
        }


def _last_dimension(layer: Any) -> Width:
    """The normalised dimension, which must be one."""
    if len(layer.normalized_shape) != 1:
        refuse(
            NetworkError,
            type(layer).__name__,
            found=f"normalized_shape = {tuple(layer.normalized_shape)}",
            expected="one dimension",
            remedy="leave the layer as it is",
        )
    width: Width = layer.normalized_shape[0]
    return width


class GroupNorm(Elastic, nn.GroupNorm):
    """`nn.GroupNorm` whose channels may be a choice.

    Args:
        num_groups: a number that divides every width.
        num_channels: a number, a `Value`, or a sum or a multiple of such.
        eps, affine: as of `nn.GroupNorm`.

    Raises:
        NetworkError: the channels are no width, or the groups do not divide it.

    Example:
        nn.Sequential(pdas.nn.Conv2d(3, width, 3), pdas.nn.GroupNorm(4, width), nn.ReLU())
    """

    kind = nn.GroupNorm

    def __init__(
        self, num_groups: int, num_channels: Width, eps: float = 1e-5, affine: bool = True
    ) -> None:
        super().__init__()
        for segment in segments_of(num_channels):
            for width in segment.sizes:
                if width % num_groups:
                    refuse(
                        NetworkError,
                        "GroupNorm",
                        found=f"{num_groups} groups for {width} channels of {num_channels}",
                        expected="a number that divides every width",
                        remedy="take other widths or another number",
                    )
        self.num_groups, self.eps, self.affine = num_groups, eps, affine
        self.set_sizes(num_channels=num_channels)
        whole = nn.GroupNorm(num_groups, widest(num_channels), eps, affine)
        self.add_weight("weight", whole.weight, num_channels)
        self.add_weight("bias", whole.bias, num_channels)

    def channels_together(self, width: Width) -> int:
        """Those of a group."""
        return group_size(width, self.num_groups)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        names = ("num_groups", "num_channels", "eps", "affine")
        return {name: getattr(layer, name) for name in names}
