"""Settings that every training of weights has."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from pdas.support.settings import Settings


class TrainingSettings(Settings):
    """What every training of weights needs; its length is set by epochs or by steps."""

    smallest_part: ClassVar[int] = 1  # examples that are run at a time

    epochs: int | None = Field(None, ge=1)  # the learning rate falls after every epoch
    steps: int | None = Field(None, ge=1)  # the learning rate falls after every step
    weights: Literal["sgd", "adamw"] = "sgd"  # their optimizer; adamw wants a rate of about 0.003
    learning_rate: float = Field(0.025, gt=0)  # of the weights; to 0 by cosine
    momentum: float = Field(0.9, ge=0, lt=1)  # of sgd
    weight_decay: float = Field(3e-4, ge=0)
    clip: float = Field(5.0, gt=0)  # largest norm of the gradient
    accumulate: int = Field(1, ge=1)  # equal parts of a batch, one after the other in less memory

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"found epochs = {self.epochs} and steps = {self.steps}, expected one of both; set "
                "the other to null"
            )
        return self
