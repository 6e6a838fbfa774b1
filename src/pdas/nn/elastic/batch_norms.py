"""Normalisations with statistics of batches or maps, whose width is a choice.

In training they take the statistics of the current batch and keep none: those of one architecture
would be wrong for another. In evaluation they do the same, unless they have those of the trained
layer that they were made of. The plain layer of a derived network keeps running statistics as
usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.widths import Width, widest

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


class Norm(Elastic):
    """What batch norm and instance norm have in common.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of PyTorch's norms.

    Example:
        class BatchNorm2d(Norm): ...
    """

    def __init__(
        self,
        num_features: Width,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
    ) -> None:
        super().__init__()
        self.set_sizes(num_features=num_features)
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        whole = self.kind(widest(num_features), affine=affine)
        self.add_weight("weight", whole.weight, num_features)  # type: ignore[arg-type]
        self.add_weight("bias", whole.bias, num_features)  # type: ignore[arg-type]
        self.add_buffer("running_mean", None, num_features)
        self.add_buffer("running_var", None, num_features)
        self.add_buffer("num_batches_tracked", None)

    def statistics(self) -> tuple[Tensor | None, Tensor | None]:
        """Running mean and variance, where they are to be used."""
        return (None, None) if self.training else (self.running_mean, self.running_var)

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        names = ("num_features", "eps", "momentum", "affine", "track_running_stats")
        return {name: getattr(layer, name) for name in names}

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Tensor],
        prefix: str,
        local_metadata: Mapping[str, Any],
        *others: Any,
    ) -> None:
        if self.track_running_stats and prefix + "running_mean" in state_dict:
            plain = self.kind(widest(self.num_features), track_running_stats=True)
            whole = plain.to(self.get_buffer("_like"))
            for name in _STATISTICS:  # which there are from now on
                if self._buffers[name] is None:
                    self._buffers[name] = whole.get_buffer(name)
        if self._buffers["num_batches_tracked"] is None:
            # Else PyTorch takes a dictionary without versions, as of a file of tensors, for an old
            # one, and adds the number of batches, which there is none of.
            local_metadata = {**local_metadata, "version": 2}
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *others)


class _BatchNorm(Norm):
    """All of them, which differ in their plain layer only."""

    def __init__(
        self,
        num_features: Width,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape.

        In evaluation a single value of each feature is its own mean; in training it is an error, as
        of `nn.BatchNorm1d`.
        """
        mean, var = self.statistics()
        weight, bias = self.weight, self.bias
        if not self.training and mean is None and x.numel() == x.shape[1]:
            # As in a profile of one example. `0 * x` keeps the shape, and lets NaN through.
            return torch.zeros_like(x) if bias is None else bias.view(1, -1, *x.shape[2:]) + 0 * x
        return F.batch_norm(x, mean, var, weight, bias, mean is None, 0.0, self.eps)


class BatchNorm1d(_BatchNorm, nn.BatchNorm1d):
    """`nn.BatchNorm1d` whose features may be a choice; in training always of the current batch.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.BatchNorm1d`; the momentum is that of
            the derived network.

    Raises:
        NetworkError: the features are no width.

    Example:
        nn.Sequential(pdas.nn.Linear(8, width), pdas.nn.BatchNorm1d(width), nn.ReLU())
    """

    kind = nn.BatchNorm1d


class BatchNorm2d(_BatchNorm, nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose channels may be a choice; in training always of the current batch.

    Args:
        num_features: a number, a `Value`, or a sum or a multiple of such.
        eps, momentum, affine, track_running_stats: as of `nn.BatchNorm2d`; the momentum is that of
            the derived network.

    Raises:
        NetworkError: the channels are no width.

    Example:
        nn.Sequential(pdas.nn.Conv2d(3, width, 3), pdas.nn.BatchNorm2d(width), nn.ReLU())
    """

    kind = nn.BatchNorm2d


class BatchNorm3d(_BatchNorm, nn.BatchNorm3d):
    """`nn.BatchNorm3d` whose channels may be a choice; see `BatchNorm2d`.

    Example:
        nn.Sequential(pdas.nn.Conv3d(1, width, 3), pdas.nn.BatchNorm3d(width), nn.ReLU())
    """

    kind = nn.BatchNorm3d
