"""The mode of a network when theta learns from it: that of training, or that of later use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class EvaluationMode:
    """Evaluation mode for all modules but batch norms, which use the current batch.

    So dropout is off. Otherwise a choice of its rate would be decided by the cost of its noise in
    training, and not by its benefit later.

    Args:
        net: the network that is judged.

    Example:
        judging = EvaluationMode(net)
        with judging():
            loss = net(x, architecture).mean()
    """

    def __init__(self, net: nn.Module) -> None:
        self._modules = [m for m in net.modules() if not isinstance(m, _BatchNorm)]

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Within it, what was in training mode is in evaluation mode."""
        changed = [module for module in self._modules if module.training]
        for module in changed:
            module.training = False  # not `eval()`, which would reach the batch norms inside
        try:
            yield
        finally:
            for module in changed:
                module.training = True
