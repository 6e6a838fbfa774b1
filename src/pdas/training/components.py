"""What updates weights, an optimizer and a schedule: by name in a recipe, functions in Python."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from pydantic import Field

from pdas.support.components import Component
from pdas.support.registry import Registry

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

MakeOptimizer: TypeAlias = "Callable[[Iterable[nn.Parameter]], Optimizer]"
"""Parameters to the optimizer that trains them."""

MakeSchedule: TypeAlias = "Callable[[Optimizer, int], LRScheduler]"
"""An optimizer, and the steps of the training, to a schedule that is stepped after every step."""


class OptimizerSettings(Component):
    """Settings of an optimizer of weights; a subclass adds its own, and makes it."""

    learning_rate: float = Field(gt=0)

    @abstractmethod
    def make(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """The optimizer of these parameters."""


class ScheduleSettings(Component):
    """Settings of a schedule of the learning rate."""

    @abstractmethod
    def make(self, optimizer: Optimizer, steps: int, stays: int) -> LRScheduler:
        """The schedule of a training.

        Args:
            steps: of the whole training; the schedule is stepped after each.
            stays: steps for which the learning rate stays the same: 1, or those of an epoch where
                the length of the training is set in epochs.
        """


OPTIMIZERS: Registry[type[OptimizerSettings]] = Registry(
    "optimizer.name", "pdas.training.optimizers"
)
SCHEDULES: Registry[type[ScheduleSettings]] = Registry("schedule.name", "pdas.training.schedules")
