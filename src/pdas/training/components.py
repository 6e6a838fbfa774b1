"""The optimizer of the weights and its schedule.

A recipe names them; in Python they are functions.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import Field

from pdas.support.components import Component
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.registry import Registry

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

MakeOptimizer: TypeAlias = "Callable[[Iterable[nn.Parameter]], Optimizer]"
"""From parameters to the optimizer that trains them."""

MakeSchedule: TypeAlias = "Callable[[Optimizer, int], LRScheduler]"
"""From an optimizer and the number of steps to a schedule, which is stepped after every step."""


class OptimizerSettings(Component):
    """Settings of an optimizer of weights. A subclass adds its own settings and makes it.

    Attributes:
        learning_rate: the initial one of the weights.

    Example:
        @OPTIMIZERS.named("adagrad")
        class Adagrad(OptimizerSettings):
            name: Literal["adagrad"] = "adagrad"
            learning_rate: float = 0.01
            def make(self, parameters): return torch.optim.Adagrad(parameters, self.learning_rate)
    """

    learning_rate: float = Field(gt=0, le=1e12)

    @abstractmethod
    def make(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """A new optimizer of these parameters."""


class ScheduleSettings(Component):
    """Settings of a schedule of the learning rate. A subclass makes it.

    Example:
        @SCHEDULES.named("linear")
        class Linear(ScheduleSettings):
            name: Literal["linear"] = "linear"
            def make(self, optimizer, steps, stays):
                return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    """

    @abstractmethod
    def make(self, optimizer: Optimizer, steps: int, stays: int) -> LRScheduler:
        """The schedule of a training.

        Args:
            optimizer: whose learning rate it sets.
            steps: of the whole training. The schedule is stepped after each.
            stays: for how many steps the learning rate stays the same. This is 1, or the steps of
                an epoch where the length of the training is set in epochs.
        """


class WarmedSchedule(ScheduleSettings):
    """A schedule that can rise to its course in the first epochs.

    The learning rate is then multiplied by 1/w, 2/w, ... 1 in the first w epochs (Goyal et al.,
    "Accurate, Large Minibatch SGD", 2017, section 2.2, in steps of an epoch as in DARTS's training
    on ImageNet).

    Attributes:
        warmup: w, in epochs; in steps where the length of the training is set in steps.

    Example:
        @SCHEDULES.named("root")
        class Root(WarmedSchedule):
            name: Literal["root"] = "root"
            def factor(self, time, length): return (1 - time / length) ** 0.5
    """

    warmup: int = Field(0, ge=0)

    @abstractmethod
    def factor(self, time: int, length: int) -> float:
        """The learning rate at a time, as a share of the initial one, without the warm-up.

        Args:
            time: epochs, or steps, that are done.
            length: of the whole training.
        """

    def make(self, optimizer: Optimizer, steps: int, stays: int) -> LRScheduler:
        from torch.optim.lr_scheduler import LambdaLR

        length = math.ceil(steps / stays)

        def factor(step: int) -> float:
            time = step // stays
            share = self.factor(time, length)
            return share * (time + 1) / self.warmup if time < self.warmup else share

        return LambdaLR(optimizer, factor)


OPTIMIZERS: Registry[type[OptimizerSettings]] = Registry(
    "optimizer.name", "pdas.training.optimizers"
)
SCHEDULES: Registry[type[ScheduleSettings]] = Registry("schedule.name", "pdas.training.schedules")


def refuse_twice(overrides: Mapping[str, Any], **functions: object) -> None:
    """Refuse a setting beside the function that takes its place.

    Args:
        overrides: settings by name.
        functions: by the name of the setting; None where there is none.

    Raises:
        SettingError: there are both.
    """
    for name, function in functions.items():
        if function is not None and name in overrides:
            refuse(
                SettingError,
                name,
                found="a setting and a function for the same",
                expected="one of both",
                remedy="leave one out",
            )
