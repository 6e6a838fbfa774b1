"""The part of the counting task that needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pdas.runs.run import Run
from pdas.tasks.classification.data import ClassificationData
from pdas.tasks.image_tasks.task import ImageTask
from pdas.training.retrain import TrainingModule


def opened(recipe: Any, data_dir: Path | None, device: torch.device) -> CountingTask:
    return CountingTask(recipe, ClassificationData.load(recipe.data, data_dir, device))


class CountingTask(ImageTask[ClassificationData]):
    """The network gives a mean and the logarithm of a variance."""

    outputs = 2

    def loss(self, model: Any, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        images, counts = batch
        return losses(model(images), counts)

    def training_module(self, network: nn.Module) -> TrainingModule[nn.Module]:
        return CountingTraining(network)

    def about(self) -> dict[str, Any]:
        return {}

    @torch.no_grad()
    def evaluate(self, network: nn.Module, retrained: Run) -> dict[str, Any]:
        network.eval()
        off = [(network(x)[:, 0] - y).abs() for x, y in self.data.test_batches()]
        return {"miscount": float(torch.cat(off).mean())}


class CountingTraining(TrainingModule[nn.Module]):
    def forward(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        images, counts = batch
        return losses(self.network(images), counts)


def losses(outputs: Tensor, counts: Tensor) -> dict[str, Tensor]:
    mean, log_variance = outputs.unbind(1)
    loss = nn.functional.gaussian_nll_loss(mean, counts.float(), log_variance.exp())
    return {"loss": loss, "miscount": (mean.detach() - counts).abs().mean()}
