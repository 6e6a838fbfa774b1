"""Inpainting: its loss and its evaluation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.runs.run import Run
from pdas.support.metrics import SCORES
from pdas.tasks.image_tasks.task import ImageTask
from pdas.tasks.inpainting.data import InpaintingData
from pdas.tasks.inpainting.evaluate import (
    baseline_measures,
    measures,
    network_quality,
    save_samples,
)
from pdas.tasks.inpainting.metrics import PSNR
from pdas.tasks.inpainting.recipe import InpaintingRecipe
from pdas.tasks.inpainting.restorer import load_restorer
from pdas.training.candidates import Model
from pdas.training.measures import Measures
from pdas.training.retrain import TrainingModule


class InpaintingTask(ImageTask[InpaintingData]):
    """See `OpenedTask`. Batches are `(masked, clean)` images.

    Example:
        task = InpaintingTask(recipe, InpaintingData.load(recipe.data, mask, None, device))
    """

    recipe: InpaintingRecipe
    restores = True

    @property
    def outputs(self) -> int:
        return self.data.images.channels

    def loss(self, model: Model, batch: tuple[Tensor, Tensor]) -> Measures:
        """Mean squared error to the clean images over all pixels, with the PSNR beside it."""
        return restoration_loss(model, batch)

    def training_module(self, network: nn.Module) -> RestorerTraining:
        return RestorerTraining(network)

    def about(self) -> dict[str, Any]:
        return {"mask": self.recipe.mask}

    def evaluate(self, network: nn.Module, retrained: Run) -> dict[str, Any]:
        found = network_quality(network, self.data)
        save_samples(network, self.data, found, retrained)
        retrained.write_arrays(SCORES, **{PSNR.key: found.psnr.numpy()})
        return measures(found, self.data) | {"baselines": baseline_measures(self.data)}

    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        network = load_restorer(retrained).network.to(self.data.device)
        return measures(network_quality(network, self.data), self.data)


class RestorerTraining(TrainingModule[nn.Module]):
    """A derived network with the loss of inpainting.

    Example:
        RestorerTraining(network)((masked, clean))["loss"].backward()
    """

    def forward(self, batch: tuple[Tensor, Tensor]) -> Measures:
        return restoration_loss(self.network, batch)


def restoration_loss(model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """The loss of inpainting.

    Args:
        model: from masked images to restored ones.
        batch: masked and clean images, `(N, C, H, W)` each, values in [0, 1].

    Returns:
        "loss", the mean squared error over all pixels, and "psnr", the mean PSNR in dB.
    """
    masked, clean = batch
    restored = model(masked)
    with torch.no_grad():
        psnr = -10 * (restored - clean).square().mean((1, 2, 3)).log10().mean()
    return {"loss": F.mse_loss(restored, clean), "psnr": psnr}
