"""Attention whose number of heads is a choice."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.head_attention import HeadAttention, Projection
from pdas.nn.elastic.linear import Linear
from pdas.nn.widths import Width, segments_of, widest, width_text
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

_LEAVE = "leave the layer as it is"


class MultiheadAttention(Elastic, HeadAttention):
    """`nn.MultiheadAttention` with a chosen number of heads, each as wide as before.

    It is called as `nn.MultiheadAttention` is. The derived network has a `HeadAttention` of
    `pdas.nn.elastic.head_attention`, since PyTorch's own has as many features in its heads as
    outside.

    Args:
        embed_dim: features of queries, keys, values and outputs: a number, a `Value`, or a sum or a
            multiple of such.
        heads: a number, or a `Value`.
        head_dim: features of a head.
        kv_heads: heads of keys and values, each for several heads of queries, a number or a
            `Value`; None: as many as heads.
        dropout, bias, batch_first: as of `nn.MultiheadAttention`.

    Raises:
        NetworkError: something is no width, or `kv_heads` does not divide `heads`.

    Example:
        heads = pdas.nn.Value("heads", [2, 4, 8])
        layer.self_attn = pdas.nn.MultiheadAttention.of(layer.self_attn, heads=heads)
    """

    kind = HeadAttention
    made_of = nn.MultiheadAttention

    def __init__(
        self,
        embed_dim: Width,
        heads: Width,
        head_dim: int,
        kv_heads: Width | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(head_dim, int):
            found, expected = f"head_dim = {width_text(head_dim)}", "a number: heads may be chosen"
            refuse(NetworkError, "MultiheadAttention", found=found, expected=expected)
        _check_heads(heads, kv_heads)
        kv = heads if kv_heads is None else kv_heads
        whole = HeadAttention(
            widest(embed_dim),
            widest(heads),
            head_dim,
            None if kv_heads is None else widest(kv),
            dropout,
            bias,
            batch_first,
        )
        for name in ("head_dim", "dropout", "batch_first", "_qkv_same_embed_dim"):
            setattr(self, name, getattr(whole, name))
        self.set_sizes(embed_dim=embed_dim, num_heads=heads, kv_heads=kv_heads)
        rows: Any = head_dim * heads + head_dim * kv + head_dim * kv
        self.add_weight("in_proj_weight", whole.in_proj_weight, rows, embed_dim)
        self.add_weight("in_proj_bias", whole.in_proj_bias, rows)
        self.bias_k = self.bias_v = None
        self.project_query, self.project_key, self.project_value = (Projection() for _ in range(3))
        self.out_proj = Linear.of(  # type: ignore[assignment]
            whole.out_proj, in_features=head_dim * heads, out_features=embed_dim
        )

    def channels_together(self, width: Width) -> int:
        """All, where heads of queries would come to other heads of keys and values."""
        kv: Any = self.kv_heads
        alone = kv is None or _same_choice(self.num_heads, kv) or width is self.embed_dim
        return 1 if alone else widest(width)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        if layer.bias_k is not None or getattr(layer, "add_zero_attn", False):
            found, expected = "add_bias_kv or add_zero_attn", "a layer without them"
            refuse(
                NetworkError, "MultiheadAttention", found=found, expected=expected, remedy=_LEAVE
            )
        if not isinstance(layer, HeadAttention) and not layer._qkv_same_embed_dim:
            found, expected = "kdim or vdim", "keys and values as wide as queries"
            refuse(
                NetworkError, "MultiheadAttention", found=found, expected=expected, remedy=_LEAVE
            )
        return {
            "embed_dim": layer.embed_dim,
            "heads": layer.num_heads,
            "head_dim": layer.head_dim,
            "kv_heads": getattr(layer, "kv_heads", None),
            "dropout": layer.dropout,
            "bias": layer.in_proj_bias is not None,
            "batch_first": layer.batch_first,
        }


def _check_heads(heads: Width, kv_heads: Width | None) -> None:
    """Raise `NetworkError` unless heads of queries are shared out evenly."""
    if kv_heads is None:
        return
    if len(segments_of(heads)) > 1 or len(segments_of(kv_heads)) > 1:
        refuse(
            NetworkError,
            "MultiheadAttention",
            found=f"{width_text(kv_heads)} kv_heads for {width_text(heads)} heads",
            expected="numbers, or multiples of a Value, and no sums",
        )
    (first,), (second,) = segments_of(heads), segments_of(kv_heads)
    pairs = (
        [(first.factor, second.factor)]
        if _same_choice(heads, kv_heads)
        else [(n, m) for n in first.sizes for m in second.sizes]
    )
    for number, shared in pairs:
        if number % shared:
            refuse(
                NetworkError,
                "MultiheadAttention",
                found=f"{shared} kv_heads of {width_text(kv_heads)} for {number} heads of "
                f"{width_text(heads)}",
                expected="a number that divides the heads, whatever is chosen",
                remedy="take other numbers, or one Value for both",
            )


def _same_choice(first: Width, second: Width) -> bool:
    """Whether two numbers of heads are multiples of one choice, or both fixed."""
    return [s.name for s in segments_of(first)] == [s.name for s in segments_of(second)]
