"""Attention whose heads are as wide as they are told, and not `embed_dim / num_heads`."""

from __future__ import annotations

import math
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projection(nn.Module):
    """A product with a weight that belongs to the module around it.

    A module, so that the multiply-adds of queries, keys and values are counted by themselves. It is
    passed the whole weight, since PyTorch's counter cannot have a view of one as an input.

    Example:
        Projection()(x, weight, bias, slice(0, 64))
    """

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, rows: slice) -> Tensor:
        """`(..., in) -> (..., out)` by some rows of a weight."""
        return F.linear(x, weight[rows], None if bias is None else bias[rows])


class HeadAttention(nn.MultiheadAttention):
    """`nn.MultiheadAttention` with heads of a width of their own.

    Called in the same way, with the same names of weights. Where `num_heads * head_dim` is
    `embed_dim`, it computes the same as PyTorch's does outside of its fast path.

    Args:
        embed_dim: features of queries, keys, values and outputs.
        heads: their number.
        head_dim: features of a head.
        kv_heads: heads of keys and values; each serves `heads / kv_heads` heads of queries. None:
            as many as heads.
        dropout, bias, batch_first: as of `nn.MultiheadAttention`.

    Example:
        HeadAttention(64, heads=3, head_dim=16, batch_first=True)(x, x, x)
    """

    def __init__(
        self,
        embed_dim: int,
        heads: int,
        head_dim: int,
        kv_heads: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
    ) -> None:
        nn.Module.__init__(self)  # PyTorch's would make other weights
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, heads, head_dim
        self.kv_heads = kv_heads
        self.dropout, self.batch_first = dropout, batch_first
        # By this PyTorch's encoder layers see that their fast path, with heads of embed_dim /
        # num_heads features, is not for this one.
        self._qkv_same_embed_dim = False
        rows = head_dim * (heads + 2 * (kv_heads or heads))
        self.in_proj_weight = nn.Parameter(torch.empty(rows, embed_dim))
        self.register_parameter("in_proj_bias", nn.Parameter(torch.empty(rows)) if bias else None)
        self.bias_k = self.bias_v = None
        self.project_query, self.project_key, self.project_value = (Projection() for _ in range(3))
        self.out_proj = nn.Linear(heads * head_dim, embed_dim, bias)  # type: ignore[assignment]
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights afresh, by the laws of `nn.MultiheadAttention`."""
        nn.init.xavier_uniform_(self.in_proj_weight)
        self.out_proj.reset_parameters()
        if self.in_proj_bias is not None:
            nn.init.zeros_(self.in_proj_bias)
            nn.init.zeros_(self.out_proj.bias)

    def _reset_parameters(self) -> None:
        self.reset_parameters()

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """What each query reads from the values.

        Args:
            query: `(L, N, embed_dim)`, or `(N, L, embed_dim)` with `batch_first`, or without N.
            key, value: the same with S in place of L.
            key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal: as of
                `nn.MultiheadAttention`.

        Returns:
            The output, of the shape of `query`; and the weights, `(N, L, S)`, if they are needed.
        """
        batched = query.dim() == 3
        q, k, v = self._project(*_sequence_first(query, key, value, self.batch_first))
        mask = _mask(attn_mask, key_padding_mask, q)
        if need_weights:
            output, weights = self._attend_by_hand(q, k, v, mask)
        else:
            causal = is_causal and key_padding_mask is None
            output = F.scaled_dot_product_attention(
                q,
                k,
                v,
                None if causal else mask,
                self.dropout if self.training else 0.0,
                causal,
                enable_gqa=self.kv_heads is not None,
            )
            weights = None
        length = q.shape[2]
        output = output.permute(2, 0, 1, 3).contiguous().view(length * q.shape[0], -1)
        output = self.out_proj(output).view(length, q.shape[0], -1)
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        if not batched:
            return output.squeeze(1), None if weights is None else weights.squeeze(0)
        return output.transpose(0, 1) if self.batch_first else output, weights

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each `(N, heads, length, head_dim)`."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        kv = self.num_heads if self.kv_heads is None else self.kv_heads
        rows = [self.head_dim * heads for heads in (self.num_heads, kv, kv)]
        if query is key and key is value and self.kv_heads is None:
            # One product, as PyTorch has it.
            projected = torch.split(F.linear(query, weight, bias), rows, -1)
        else:
            slices = (slice(end - n, end) for n, end in zip(rows, accumulate(rows), strict=True))
            projections = (self.project_query, self.project_key, self.project_value)
            inputs = (query, key, value)
            projected = tuple(
                project(x, weight, bias, part)
                for project, x, part in zip(projections, inputs, slices, strict=True)
            )
        q, k, v = (x.view(*x.shape[:2], -1, self.head_dim).permute(1, 2, 0, 3) for x in projected)
        return q, k, v

    def _attend_by_hand(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The output and the weights, `(N, heads, L, S)`."""
        if self.kv_heads is not None:
            k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
        scores = (q * math.sqrt(1.0 / q.shape[-1])) @ k.transpose(-2, -1)
        weights = (scores if mask is None else scores + mask).softmax(-1)
        weights = F.dropout(weights, self.dropout, self.training)
        return weights @ v, weights


def _sequence_first(
    query: Tensor, key: Tensor, value: Tensor, batch_first: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Each as `(length, N, features)`; what was one tensor stays one."""
    known: dict[int, Tensor] = {}
    for x in (query, key, value):
        if id(x) not in known:
            batch = x.unsqueeze(1) if x.dim() == 2 else x
            known[id(x)] = batch.transpose(0, 1) if batch_first and x.dim() == 3 else batch
    return known[id(query)], known[id(key)], known[id(value)]


def _mask(attention: Tensor | None, padding: Tensor | None, q: Tensor) -> Tensor | None:
    """Both masks as numbers that are added to the scores, `(N or 1, heads or 1, L or 1, S)`."""
    masks: list[Tensor] = []
    if attention is not None:
        added = _as_numbers(attention, q)
        if added.dim() == 3:  # one for each head, of which the first are in use
            added = added.view(q.shape[0], -1, *added.shape[1:])[:, : q.shape[1]]
        masks.append(added)
    if padding is not None:
        added = _as_numbers(padding, q)
        masks.append(added.view(-1, 1, 1, added.shape[-1]))
    return sum(masks[1:], masks[0]) if masks else None


def _as_numbers(mask: Tensor, q: Tensor) -> Tensor:
    """A mask of booleans as minus infinity where it is true."""
    if mask.dtype != torch.bool:
        return mask.to(q.dtype)
    return torch.zeros_like(mask, dtype=q.dtype).masked_fill_(mask, -math.inf)
