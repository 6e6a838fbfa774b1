"""Batch norm in a search: the statistics of the batch at hand, in both passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def without_running_statistics(net: nn.Module) -> Iterator[None]:
    """Keep no running statistics meanwhile: those of D_theta must not leak into what is kept.

    Statistics from before stay as they are.
    """
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
