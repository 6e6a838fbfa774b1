"""Batch norm in a search: both updates use the statistics of the current batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def without_running_statistics(net: nn.Module) -> Iterator[None]:
    """Within it, batch norms keep no running statistics.

    Those of D_theta must not leak into what is kept. Earlier statistics stay unchanged.

    Args:
        net: whose batch norms are meant.

    Example:
        with without_running_statistics(net):
            net(x, architecture)
    """
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for norm in norms:
        # In training mode torch then neither reads nor writes the running statistics.
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
