"""A constant learning rate."""

from __future__ import annotations

from typing import Literal

from pdas.training.components import SCHEDULES, WarmedSchedule


@SCHEDULES.named("constant")
class Constant(WarmedSchedule):
    """A learning rate that does not change, but for a warm-up.

    Example:
        TrainingSettings(epochs=10, schedule="constant")
    """

    name: Literal["constant"] = "constant"

    def factor(self, time: int, length: int) -> float:
        return 1.0
