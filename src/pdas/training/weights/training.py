"""The weights of a network in training, on the devices of a Fabric."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from pdas.distributed.devices import without_wrapper
from pdas.distributed.exchange.gradients import used_weights
from pdas.distributed.fabric import Fabric
from pdas.distributed.ranks import Ranks
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.measures import numbers
from pdas.training.settings import TrainingSettings
from pdas.training.weights.gradient import Gradient
from pdas.training.weights.optimizer import advance, made_by, optimizer_and_schedule


class WeightTraining:
    """Updates the weights of a network, which are the same on all ranks.

    Args:
        module: the network. It is put into training mode.
        settings: its optimizer, schedule and clipping.
        fabric: devices and precision.
        ranks: those of `fabric`.
        steps: of the whole training.
        per_epoch: steps in an epoch.
        make_optimizer: makes the optimizer, instead of the settings.
        make_schedule: makes the schedule, instead of the settings.

    Attributes:
        network: the module as set up by Fabric, which computes in Fabric's precision; see
            `without_wrapper`.
        optimizer: as set up by Fabric.
        beside: weights that another optimizer updates; their gradients are forgotten with these.
        given: what tells optimizer and schedule from others, if functions made them; see `Frozen`.

    Raises:
        SettingError: `make_optimizer` makes no optimizer, or `make_schedule` no schedule.

    Example:
        weights = WeightTraining(net, settings, fabric, Ranks(fabric), steps=100, per_epoch=10)
        weights.update(loss(weights.network, batch))
    """

    def __init__(
        self,
        module: nn.Module,
        settings: TrainingSettings,
        fabric: Fabric,
        ranks: Ranks,
        *,
        steps: int,
        per_epoch: int,
        make_optimizer: MakeOptimizer | None = None,
        make_schedule: MakeSchedule | None = None,
    ) -> None:
        self._fabric = fabric
        self._ranks = ranks
        self._clip = settings.clip
        self._own, self._schedule = optimizer_and_schedule(
            module,
            settings,
            steps=steps,
            stays=1 if settings.steps is not None else per_epoch,
            make_optimizer=make_optimizer,
            make_schedule=make_schedule,
        )
        self.given = made_by(make_optimizer, make_schedule, self._own, self._schedule)
        wrapped, self.optimizer = fabric.setup(module.train(), self._own)
        self.network = without_wrapper(fabric, wrapped)
        self.beside: Sequence[nn.Parameter] = ()
        self._parameters = list(self.network.parameters())  # to look for them takes time

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return float(self._schedule.get_last_lr()[0])

    def update(self, loss: Tensor) -> None:
        """One update by the gradient of a loss.

        Args:
            loss: a scalar. With several ranks, the gradient is that of the mean of their losses.

        Raises:
            NonFiniteLossError: the gradient is not finite; the weights are unchanged.
        """
        self.clear()
        self._fabric.backward(loss / self._ranks.size)
        self.apply()

    def clear(self) -> None:
        """Forget all gradients, so that unused weights have none."""
        for parameter in chain(self._parameters, self.beside):
            parameter.grad = None

    @property
    def used(self) -> bytes:
        """Which weights have a gradient, for the other ranks; see `used_weights`."""
        return b"" if self._ranks.size == 1 else used_weights(self._parameters)

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Multiply all gradients."""
        torch._foreach_mul_([p.grad for p in self._parameters if p.grad is not None], factor)

    def apply(self, used: Sequence[bytes] | None = None) -> None:
        """Update the weights by the clipped gradients of all ranks.

        Args:
            used: see `gradient`.

        Raises:
            NonFiniteLossError: the gradient is not finite; the weights are unchanged.
        """
        gradient = self.gradient(used)
        gradient.step(numbers(gradient.norm))

    def gradient(
        self, used: Sequence[bytes] | None = None, averaged: Sequence[Tensor] = ()
    ) -> Gradient:
        """That of all ranks, which the backward passes have left.

        Args:
            used: the `used` of all ranks, if they are known; else they are exchanged.
            averaged: further tensors of all ranks, which are replaced by their mean.
        """
        self._ranks.add_gradients(self._parameters, used, averaged)
        return Gradient(self._fabric, self.optimizer, self._clip)

    def end_step(self) -> None:
        """Advance the schedule of the learning rate."""
        advance(self._schedule)

    def components(self) -> dict[str, Any]:
        """All that changes except the network, by its name in a checkpoint."""
        return {
            "weights": self._own,
            "schedule": self._schedule,
            "precision": self._fabric.strategy.precision,
        }
