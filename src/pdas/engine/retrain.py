"""Retraining: the derived network from fresh weights, on the whole training set."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from pdas.data import Batches
from pdas.engine.training import RunningMean, clip_gradients, sgd_with_cosine
from pdas.errors import NonFiniteLossError
from pdas.nn import CellNetwork
from pdas.settings import RetrainSettings


@dataclass(frozen=True)
class RetrainProgress:
    """Where a retraining stands; loss and accuracy are means over the epoch so far."""

    step: int
    epoch: int
    steps: int
    loss: float
    accuracy: float
    learning_rate: float
    drop_path: float
    seconds: float


def retrain(
    network: CellNetwork,
    batches: Batches,
    settings: RetrainSettings,
    fabric: Fabric,
    *,
    on_step: Callable[[RetrainProgress], None] = lambda progress: None,
    on_epoch: Callable[[RetrainProgress], None] = lambda progress: None,
) -> None:
    """Train a derived network in place (paper, section 4.1).

    The drop path rate rises from 0 in the first epoch to `settings.drop_path` in the last one.
    Raises `NonFiniteLossError` when the loss is not finite.
    """
    sgd, schedule = sgd_with_cosine(network, settings, settings.epochs)
    wrapped, optimizer = fabric.setup(network.train(), sgd)
    wrapped.mark_forward_method("forward_with_auxiliary")
    start = time.perf_counter()
    for epoch in range(settings.epochs):
        network.drop_path = settings.drop_path * epoch / max(settings.epochs - 1, 1)
        mean = RunningMean()
        for index, (images, labels) in enumerate(batches):
            loss, accuracy = _losses(wrapped, images, labels, settings.auxiliary_weight)
            if not torch.isfinite(loss):
                raise NonFiniteLossError(
                    f"training loss: found {float(loss.detach())} in epoch {epoch + 1}, expected a "
                    "finite one; lower retrain.learning_rate"
                )
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss)
            clip_gradients(fabric, wrapped, optimizer, settings.clip)
            optimizer.step()
            mean.add({"loss": loss, "accuracy": accuracy})
            progress = RetrainProgress(
                step=epoch * len(batches) + index + 1,
                epoch=epoch + 1,
                steps=settings.epochs * len(batches),
                **mean.values(),
                learning_rate=float(schedule.get_last_lr()[0]),
                drop_path=network.drop_path,
                seconds=time.perf_counter() - start,
            )
            on_step(progress)
        schedule.step()
        on_epoch(progress)
    network.drop_path = 0.0


def _losses(
    network: nn.Module, images: Tensor, labels: Tensor, auxiliary_weight: float
) -> tuple[Tensor, Tensor]:
    """The loss, with the auxiliary classifier's, and the accuracy of a batch."""
    if auxiliary_weight > 0:
        forward: Callable[[Tensor], tuple[Tensor, Tensor]] = network.forward_with_auxiliary  # type: ignore[assignment]
        logits, auxiliary = forward(images)
        loss = F.cross_entropy(logits, labels) + auxiliary_weight * F.cross_entropy(
            auxiliary, labels
        )
    else:
        logits = network(images)
        loss = F.cross_entropy(logits, labels)
    return loss, (logits.detach().argmax(1) == labels).float().mean()
