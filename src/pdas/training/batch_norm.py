"""Batch and instance norms in a search: both updates use the statistics of the current batch."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm

from pdas.nn.elastic.batch_norms import Norm


@contextmanager
def without_running_statistics(net: nn.Module) -> Iterator[None]:
    """Within it, batch norms and instance norms keep no running statistics.

    Those of D_theta must not leak into what is kept. Earlier statistics stay unchanged. Copies, as
    in networks that are derived within it, keep statistics as usual.

    Args:
        net: whose batch norms are meant.

    Example:
        with without_running_statistics(net):
            net(x, architecture)
    """
    norms: list[Any] = [
        m for m in net.modules() if isinstance(m, _NormBase) and m.track_running_stats
    ]
    for norm in norms:
        # In training mode a batch norm then neither reads nor writes the running statistics. An
        # instance norm would still write them. Those of `pdas.nn` never do.
        if not isinstance(norm, Norm):
            norm.track_running_stats = _HereOnly()
        if isinstance(norm, _InstanceNorm):
            norm.__dict__["_apply_instance_norm"] = _OfTheMaps(norm)
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
            norm.__dict__.pop("_apply_instance_norm", None)


class _HereOnly:
    """False, which in a copy is True again."""

    def __bool__(self) -> bool:
        return False

    def __deepcopy__(self, memo: object) -> bool:
        return True

    def __reduce__(self) -> tuple[type[bool], tuple[int]]:
        return bool, (1,)


class _OfTheMaps:
    """The instance norm by the statistics of the maps themselves; in a copy that of its class.

    Args:
        norm: whose weights it has.

    Example:
        norm.__dict__["_apply_instance_norm"] = _OfTheMaps(norm)
    """

    def __init__(self, norm: _InstanceNorm) -> None:
        self._norm = norm

    def __call__(self, x: Tensor) -> Tensor:
        norm = self._norm
        return F.instance_norm(x, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)

    def __deepcopy__(self, memo: dict[int, Any]) -> MethodType:
        usual = type(self._norm)._apply_instance_norm
        return MethodType(usual, copy.deepcopy(self._norm, memo))
