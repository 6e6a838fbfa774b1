"""A constant learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pdas.training.components import SCHEDULES, ScheduleSettings

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


@SCHEDULES.named("constant")
class Constant(ScheduleSettings):
    """A learning rate that does not change.

    Example:
        TrainingSettings(epochs=10, schedule="constant")
    """

    name: Literal["constant"] = "constant"

    def make(self, optimizer: Optimizer, steps: int, stays: int) -> LRScheduler:
        from torch.optim.lr_scheduler import LambdaLR

        return LambdaLR(optimizer, lambda step: 1.0)
