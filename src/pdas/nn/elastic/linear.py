"""Linear layers whose widths are choices."""

from __future__ import annotations

from typing import Any

from torch import nn
from typing_extensions import Self

from pdas.nn.elastic.base import Elastic
from pdas.nn.widths import Width, repeated, widest


class Linear(Elastic, nn.Linear):
    """`nn.Linear` whose features may be choices.

    Args:
        in_features, out_features: a number, a `Value`, or a sum or a multiple of such.
        bias: as of `nn.Linear`.
        parts: how many projections of `out_features` are packed in the layer, one after the other,
            as 3 of queries, keys and values. As `out_features=u + u + u`.

    Raises:
        NetworkError: something is no width.

    Example:
        width = pdas.nn.Value("width", [64, 128])
        nn.Sequential(pdas.nn.Linear(8, width), nn.ReLU(), pdas.nn.Linear(width, 1))
        self.qkv = pdas.nn.Linear(192, 64 * heads, parts=3)
    """

    kind = nn.Linear

    def __init__(
        self, in_features: Width, out_features: Width, bias: bool = True, *, parts: int = 1
    ) -> None:
        super().__init__()
        out_features = repeated(out_features, parts)
        whole = nn.Linear(widest(in_features), widest(out_features), bias)
        self.set_sizes(in_features=in_features, out_features=out_features)
        self.add_weight("weight", whole.weight, out_features, in_features)
        self.add_weight("bias", whole.bias, out_features)

    @classmethod
    def of(cls, layer: nn.Module, *, parts: int = 1, **chosen: Any) -> Self:
        if "out_features" in chosen:
            chosen["out_features"] = repeated(chosen["out_features"], parts)
        return super().of(layer, **chosen)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        return {
            "in_features": layer.in_features,
            "out_features": layer.out_features,
            "bias": layer.bias is not None,
        }
