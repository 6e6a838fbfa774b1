"""Inpainting with the space of symmetric auto-encoders (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.data.images import ImageSource
from pdas.data.masks import find_mask
from pdas.resume.batches import Loader
from pdas.runs.run import Run
from pdas.searches.trial import Derive
from pdas.space import Architecture, Label, SearchSpace
from pdas.spaces import AutoencoderNetwork, AutoencoderSupernet
from pdas.spaces.autoencoders import autoencoder_space, base_architecture, count_layers
from pdas.support.errors import SettingError, SpaceError
from pdas.tasks.base import Retraining
from pdas.tasks.inpainting.data import InpaintingData
from pdas.tasks.inpainting.evaluate import measures, network_quality, save_samples, yardsticks
from pdas.tasks.inpainting.recipe import InpaintingRecipe
from pdas.tasks.inpainting.restorer import load_restorer
from pdas.training.candidates import Model
from pdas.training.measures import Measures
from pdas.training.retrain import Trainee


@dataclass(frozen=True)
class InpaintingTask:
    """See `Task`."""

    recipe: InpaintingRecipe
    data: InpaintingData

    @classmethod
    def open(
        cls,
        recipe: InpaintingRecipe,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
    ) -> InpaintingTask:
        """Load the data of a recipe; raises `DataError` and `SettingError`."""
        mask = find_mask(recipe.mask)
        return cls(recipe, InpaintingData.load(recipe.data, mask, data_dir, device, download))

    @staticmethod
    def fitted(
        recipe: InpaintingRecipe, labels: Mapping[str, Label]
    ) -> tuple[InpaintingRecipe, Architecture]:
        """The recipe with as many layers as these labels have, and their architecture."""
        layers = count_layers(labels)
        if layers == 0:
            raise SpaceError(
                "found no layers, expected those of an auto-encoder; give an "
                "architecture.json of a search of auto-encoders"
            )
        network = recipe.network.model_copy(update={"layers": layers})
        architecture = autoencoder_space(network).architecture(labels)
        return recipe.model_copy(update={"network": network}), architecture

    @property
    def space(self) -> SearchSpace:
        return autoencoder_space(self.recipe.network)

    def search_batches(self, seed: int) -> tuple[Loader, Loader]:
        return self.data.search_batches(self.recipe.search.batch_size, seed)

    @property
    def training_images(self) -> ImageSource:
        return self.data.images.train

    @property
    def test_images(self) -> ImageSource:
        return self.data.images.test

    def check_retraining(self, given: Architecture | None) -> None:
        self.data.check_training_batch(self.recipe.retrain.batch_size)

    def supernet(self) -> nn.Module:
        channels = self.data.images.channels
        return AutoencoderSupernet(**self.recipe.network.model_dump(), image_channels=channels)

    def derive(self, net: nn.Module) -> Derive:
        assert isinstance(net, AutoencoderSupernet)
        size = self.data.images.size
        return partial(net.derive, size=(size, size))

    def loss(self, model: Model, batch: tuple[Tensor, Tensor]) -> Measures:
        """Mean squared error to the clean images over all pixels, with the PSNR beside it."""
        return restoration_loss(model, batch)

    def control(self, seed: int) -> Architecture:
        settings = self.recipe.search
        if settings.method == "random":
            return self.space.uniform(np.random.default_rng(seed))
        assert settings.like is not None
        try:
            return base_architecture(self.space.load(settings.like))
        except SpaceError as error:
            raise SettingError(
                f"search.like: {error}; give an architecture of these network settings"
            ) from None

    def retraining(self, architecture: Architecture, seed: int) -> Retraining:
        images = self.data.images
        batches = self.data.training_batches(self.recipe.retrain.batch_size, seed)
        network = AutoencoderNetwork(architecture, images.channels, (images.size, images.size))
        about = {
            "params": sum(weight.numel() for weight in network.parameters()),
            "chain": str(network),
            "mask": self.recipe.mask,
            "channels": images.channels,
            "image_size": images.size,
        }
        return Retraining(AutoencoderTrainee(network), batches, about)

    def evaluate(self, network: nn.Module, directory: Path) -> dict[str, Any]:
        found = network_quality(network, self.data)
        save_samples(network, self.data, found, directory / "restored.npz")
        return measures(found, self.data) | {"yardsticks": yardsticks(self.data)}

    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        network = load_restorer(retrained).network.to(self.data.device)
        return measures(network_quality(network, self.data), self.data)


class AutoencoderTrainee(Trainee[AutoencoderNetwork]):
    """A derived auto-encoder with the loss of inpainting."""

    def forward(self, batch: tuple[Tensor, Tensor]) -> Measures:
        return restoration_loss(self.network, batch)


def restoration_loss(model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Mean squared error of a batch `(masked, clean)` over all pixels, and the mean PSNR in dB."""
    masked, clean = batch
    restored = model(masked)
    with torch.no_grad():
        psnr = -10 * (restored - clean).square().mean((1, 2, 3)).log10().mean()
    return {"loss": F.mse_loss(restored, clean), "psnr": psnr}
