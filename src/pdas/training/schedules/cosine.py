"""The learning rate falls to 0 by a half cosine, as in the paper."""

from __future__ import annotations

import math
from typing import Literal

from pdas.training.components import SCHEDULES, WarmedSchedule


@SCHEDULES.named("cosine")
class Cosine(WarmedSchedule):
    """Cosine annealing without restarts (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5).

    Example:
        TrainingSettings(epochs=10, schedule={"name": "cosine", "warmup": 2})
    """

    name: Literal["cosine"] = "cosine"

    def factor(self, time: int, length: int) -> float:
        return (1 + math.cos(math.pi * time / length)) / 2  # with the minimum 0
