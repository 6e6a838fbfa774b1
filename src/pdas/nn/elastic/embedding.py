"""Embeddings whose width is a choice."""

from __future__ import annotations

from typing import Any

from torch import nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.widths import Width, widest
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Embedding(Elastic, nn.Embedding):
    """`nn.Embedding` whose vectors may have a chosen width.

    Args:
        num_embeddings: how many vectors there are.
        embedding_dim: a number, a `Value`, or a sum or a multiple of such.
        padding_idx, scale_grad_by_freq: as of `nn.Embedding`.

    Raises:
        NetworkError: the dimension is no width.

    Example:
        width = pdas.nn.Value("width", [64, 128])
        nn.Sequential(pdas.nn.Embedding(1000, width), pdas.nn.Linear(width, 2))
    """

    kind = nn.Embedding

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: Width,
        padding_idx: int | None = None,
        scale_grad_by_freq: bool = False,
    ) -> None:
        super().__init__()
        whole = nn.Embedding(num_embeddings, widest(embedding_dim), padding_idx)
        self.num_embeddings, self.padding_idx = num_embeddings, whole.padding_idx
        self.max_norm, self.norm_type, self.sparse = None, 2.0, False
        self.scale_grad_by_freq = scale_grad_by_freq
        self.set_sizes(embedding_dim=embedding_dim)
        self.add_weight("weight", whole.weight, num_embeddings, embedding_dim)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        if layer.max_norm is not None or layer.sparse:
            refuse(
                NetworkError,
                "Embedding",
                found=f"max_norm = {layer.max_norm}, sparse = {layer.sparse}",
                expected="None and False",
                remedy="leave the layer as it is",
            )
        names = ("num_embeddings", "embedding_dim", "padding_idx", "scale_grad_by_freq")
        return {name: getattr(layer, name) for name in names}
