"""Batch and instance norms in a search: both updates use the statistics of the current batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
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
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        # In training mode a batch norm then neither reads nor writes the running statistics. An
        # instance norm does not read them, and writes what they were.
        norm.track_running_stats = False
        if isinstance(norm, _InstanceNorm):
            norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.track_running_stats = True
            norm.momentum = momentum
