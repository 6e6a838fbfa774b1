"""Stochastic gradient descent with momentum, as in the paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pdas.training.components import OPTIMIZERS, OptimizerSettings

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


@OPTIMIZERS.named("sgd")
class Sgd(OptimizerSettings):
    """Settings of `torch.optim.SGD`. The defaults are the paper's (section 4.1).

    Example:
        pdas.search(net, loss, data, optimizer={"name": "sgd", "momentum": 0.8})
    """

    name: Literal["sgd"] = "sgd"
    learning_rate: float = Field(0.025, gt=0, le=1e12)
    momentum: float = Field(0.9, ge=0, lt=1)  # 0: none
    weight_decay: float = Field(3e-4, ge=0, le=1e6)  # added to the gradient

    def make(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        from torch.optim import SGD

        # Not fused: that fails at a weight whose first gradient comes after the first step, as in a
        # search, and in 16 bits it would take an overflow into the momentum.
        return SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )
