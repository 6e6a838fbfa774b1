"""Settings that every training of weights has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from pdas.support.components import component
from pdas.support.settings import Settings
from pdas.training.components import (
    OPTIMIZERS,
    SCHEDULES,
    OptimizerSettings,
    ScheduleSettings,
    WarmedSchedule,
)
from pdas.training.optimizers.sgd import Sgd
from pdas.training.schedules.cosine import Cosine

LARGEST_BATCH = 1_000_000  # examples

OTHER_LENGTH = {"steps": "epochs", "epochs": "steps"}
"""The settings of a length, of which one is None, by each other's name."""


class TrainingSettings(Settings):
    """Settings of every training of weights. Its length is set by epochs or by steps.

    Example:
        TrainingSettings(steps=100, optimizer="adamw", schedule="constant")
    """

    smallest_part: ClassVar[int] = 1  # examples of a micro-batch

    epochs: int | None = Field(None, ge=1)  # the length; the learning rate changes by epochs
    steps: int | None = Field(None, ge=1)  # or the length in steps; the rate changes by steps
    optimizer: OptimizerSettings = Sgd()  # of the weights
    schedule: ScheduleSettings = Cosine()  # of their learning rate
    clip: float = Field(5.0, gt=0)  # largest norm of the gradient
    accumulate: int = Field(1, ge=1, le=LARGEST_BATCH)  # a batch in so many parts, in turns
    max_minutes: float | None = Field(None, gt=0)  # of work; then it ends with what it has

    @field_validator("optimizer", mode="before")
    @classmethod
    def _named_optimizer(cls, value: object) -> OptimizerSettings:
        default: OptimizerSettings = cls.model_fields["optimizer"].default
        return component(value, OPTIMIZERS.__getitem__, default)

    @field_validator("schedule", mode="before")
    @classmethod
    def _named_schedule(cls, value: object) -> ScheduleSettings:
        default: ScheduleSettings = cls.model_fields["schedule"].default
        return component(value, SCHEDULES.__getitem__, default)

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"found epochs = {self.epochs} and steps = {self.steps}, expected one of both; set "
                "the other to null"
            )
        return self

    @model_validator(mode="after")
    def _a_warmup_within_the_length(self) -> Self:
        length = getattr(self, self.length)
        if self.warmup_of_rate > length:
            raise ValueError(
                f".schedule.warmup: found {self.warmup_of_rate}, expected at most {length}, the "
                f"{self.length} of the training; lower it, or raise {self.length}"
            )
        return self

    @property
    def length(self) -> str:
        """The name of the setting of its length."""
        return "epochs" if self.steps is None else "steps"

    @property
    def warmup_of_rate(self) -> int:
        """The epochs, or steps, in which the learning rate rises to its course."""
        return self.schedule.warmup if isinstance(self.schedule, WarmedSchedule) else 0

    def for_steps(self, steps: int) -> Self:
        """These for another training, with the same share of its steps as warm-up of the rate.

        Args:
            steps: of that training.
        """
        warmup = round(steps * self.warmup_of_rate / getattr(self, self.length))
        changed = {"warmup": warmup} if self.warmup_of_rate else {}
        schedule = self.schedule.model_copy(update=changed)
        return self.model_copy(update={"epochs": None, "steps": steps, "schedule": schedule})

    def total_steps(self, per_epoch: int) -> int:
        """The number of steps of the training.

        Args:
            per_epoch: batches in an epoch.
        """
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return self.epochs * per_epoch


def one_length(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of settings; one of `steps` and `epochs` takes the place of the other.

    Args:
        changes: single settings by name. With both lengths they are not changed.
    """
    return {other: None for name, other in OTHER_LENGTH.items() if name in changes} | dict(changes)
