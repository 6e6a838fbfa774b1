"""AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pdas.training.components import OPTIMIZERS, OptimizerSettings

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


@OPTIMIZERS.named("adamw")
class AdamW(OptimizerSettings):
    """Settings of `torch.optim.AdamW`.

    Example:
        pdas.search(net, loss, data, optimizer={"name": "adamw", "learning_rate": 0.001})
    """

    name: Literal["adamw"] = "adamw"
    learning_rate: float = Field(0.003, gt=0, le=1e12)
    weight_decay: float = Field(3e-4, ge=0, le=1e6)  # apart from the gradient

    def make(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        from torch import optim

        return optim.AdamW(
            parameters,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            foreach=True,  # one call for all weights, many of them small; on CPUs off by default
        )
