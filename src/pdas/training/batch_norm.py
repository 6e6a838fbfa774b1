"""Batch and instance norms in a search: both updates use the statistics of the current batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm


@contextmanager
def without_running_statistics(net: nn.Module) -> Iterator[None]:
    """Within it, batch norms and instance norms keep no running statistics.

    Those of D_theta must not leak into what is kept. Earlier statistics stay unchanged.

    Args:
        net: whose batch norms are meant.

    Example:
        with without_running_statistics(net):
            net(x, architecture)
    """
    norms = [m for m in net.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    for norm in norms:
        # In training mode a batch norm then neither reads nor writes the running statistics. An
        # instance norm would still write them.
        norm.track_running_stats = False
        if isinstance(norm, _InstanceNorm):
            norm.__dict__["_apply_instance_norm"] = partial(_of_the_maps, norm)
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
            norm.__dict__.pop("_apply_instance_norm", None)


def _of_the_maps(norm: _InstanceNorm, x: Tensor) -> Tensor:
    """The instance norm by the statistics of the maps themselves."""
    return F.instance_norm(x, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)
