"""How a network behaves when theta learns from it: as in training, or as it will be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Judging:
    """Evaluation mode but for batch norms, which keep to the statistics of the batch at hand.

    So dropout is off. A choice of its rate would otherwise be decided by what the noise costs in
    training, and not by what it is good for.
    """

    def __init__(self, net: nn.Module) -> None:
        self._modules = [m for m in net.modules() if not isinstance(m, _BatchNorm)]

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Meanwhile all that is in training mode is in evaluation mode."""
        changed = [module for module in self._modules if module.training]
        for module in changed:
            module.training = False
        try:
            yield
        finally:
            for module in changed:
                module.training = True
