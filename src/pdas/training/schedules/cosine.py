"""The learning rate falls to 0 by a half cosine, as in the paper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pdas.training.components import SCHEDULES, ScheduleSettings

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


@SCHEDULES.named("cosine")
class Cosine(ScheduleSettings):
    """Cosine annealing without restarts (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5).

    Example:
        TrainingSettings(epochs=10, schedule="cosine")
    """

    name: Literal["cosine"] = "cosine"

    def make(self, optimizer: Optimizer, steps: int, stays: int) -> LRScheduler:
        from torch.optim.lr_scheduler import LambdaLR

        falls = math.ceil(steps / stays)  # T_i of equation 5, with minimum 0

        def factor(step: int) -> float:
            return (1 + math.cos(math.pi * (step // stays) / falls)) / 2

        return LambdaLR(optimizer, factor)
