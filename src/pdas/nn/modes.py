"""Evaluation mode, and no fast path of PyTorch, for the time of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def in_evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Evaluation mode within a `with` block.

    Args:
        module: of which every part has its own mode again after the block.
    """
    training = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in training:
            part.training = mode


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients within a `with` block.

    Args:
        module: as of `in_evaluation_mode`.
    """
    with in_evaluation_mode(module), torch.no_grad():
        yield


@contextmanager
def without_fast_path() -> Iterator[None]:
    """Attention runs by its single operations, which the fast path of PyTorch rounds differently.

    Example:
        with evaluating(model), without_fast_path():
            model(x)
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
