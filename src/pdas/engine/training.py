"""What the search and the retraining share: SGD with its schedule, clipping, running means."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from pdas.errors import NonFiniteLossError
from pdas.settings import TrainingSettings

Measures = Mapping[str, Tensor | float]


def sgd_with_cosine(
    module: nn.Module, settings: TrainingSettings, epochs: int
) -> tuple[SGD, CosineAnnealingLR]:
    """SGD with momentum, and its learning rate from the settings' to 0 by cosine, per epoch."""
    sgd = SGD(
        module.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    return sgd, CosineAnnealingLR(sgd, epochs)


def clip_gradients(
    fabric: Fabric, net: nn.Module, optimizer: torch.optim.Optimizer, max_norm: float
) -> None:
    """Scale the gradient to a norm of at most `max_norm`.

    Raises `NonFiniteLossError` if the norm is not finite; the weights are as they were. In 16-bit
    precision a gradient that overflows is expected: the scaler passes the step over.
    """
    norm = fabric.clip_gradients(net, optimizer, max_norm=max_norm, error_if_nonfinite=False)
    scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
    if norm is not None and not scaled and not torch.isfinite(norm):
        raise NonFiniteLossError(
            f"gradient: found a norm of {float(norm)} for finite losses, expected a finite one; "
            "lower the learning rate of the weights"
        )


class RunningMean:
    """Means of the measures added so far."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, measures: Measures) -> None:
        """Count one set of measures, each a number or a tensor of one."""
        for name, value in measures.items():
            self._sums[name] = self._sums.get(name, 0.0) + number(value)
        self._count += 1

    def values(self) -> dict[str, float]:
        """The mean of each measure."""
        return {name: total / self._count for name, total in self._sums.items()}


def number(value: Tensor | float) -> float:
    """A measure as a plain number."""
    return float(value.detach() if isinstance(value, Tensor) else value)
