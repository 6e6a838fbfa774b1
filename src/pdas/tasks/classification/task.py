"""Image classification with the space of cells (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.data.images import ImageSource
from pdas.resume.batches import Loader
from pdas.runs.run import Run
from pdas.searches.trial import Derive
from pdas.space import Architecture, Assignment, Label, SearchSpace
from pdas.spaces import CellNetwork, CellSupernet
from pdas.spaces.cells import CellSettings, cell_space, count_nodes, count_weights, heaviest, widest
from pdas.support.errors import SpaceError
from pdas.tasks.base import Retraining
from pdas.tasks.classification.classifier import load_classifier
from pdas.tasks.classification.data import ClassificationData
from pdas.tasks.classification.evaluate import error_percent
from pdas.tasks.classification.recipe import ClassificationRecipe, RetrainSettings
from pdas.training.candidates import Model
from pdas.training.measures import Measures
from pdas.training.retrain import Trainee


@dataclass(frozen=True)
class ClassificationTask:
    """See `Task`."""

    recipe: ClassificationRecipe
    data: ClassificationData

    @classmethod
    def open(
        cls,
        recipe: ClassificationRecipe,
        data_dir: Path | None,
        device: torch.device,
        download: bool = True,
    ) -> ClassificationTask:
        """Load the data of a recipe; raises `DataError` and `SettingError`."""
        return cls(recipe, ClassificationData.load(recipe.data, data_dir, device, download))

    @staticmethod
    def fitted(
        recipe: ClassificationRecipe, labels: Mapping[str, Label]
    ) -> tuple[ClassificationRecipe, Architecture]:
        """The recipe with as many nodes as these labels have, and their architecture."""
        nodes = count_nodes(labels)
        if nodes == 0:
            raise SpaceError(
                "found no cells, expected those of a classifier; give an "
                "architecture.json of a search of cells"
            )
        network = recipe.network.model_copy(update={"nodes": nodes})
        architecture = cell_space(nodes, network.operations).architecture(labels)
        return recipe.model_copy(update={"network": network}), architecture

    @property
    def cells(self) -> CellSettings:
        """The settings of the supernet."""
        return CellSettings(
            **self.recipe.network.model_dump(),
            in_channels=self.data.images.channels,
            classes=len(self.data.images.classes),
        )

    @property
    def space(self) -> SearchSpace:
        return cell_space(self.cells.nodes, self.cells.operations)

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
        if given is None:
            self.size(heaviest(self.cells), "the heaviest architecture of this space")
        else:
            self.size(given)

    def supernet(self) -> nn.Module:
        return CellSupernet(**self.cells.model_dump())

    def derive(self, net: nn.Module) -> Derive:
        assert isinstance(net, CellSupernet)
        return net.derive

    def loss(self, model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Cross entropy of a batch of images and labels, with the accuracy beside it."""
        images, labels = batch
        logits = model(images)
        return {"loss": F.cross_entropy(logits, labels), "accuracy": accuracy(logits, labels)}

    def control(self, seed: int) -> Architecture:
        return self.space.uniform(np.random.default_rng(seed))

    def size(self, architecture: Assignment, name: str = "this architecture") -> CellSettings:
        """The size of the derived network: the recipe's depth, the widest under its limit."""
        depth = {"cells_per_stage": self.recipe.retrain.cells_per_stage}
        deep = self.cells.model_copy(update=depth)
        return widest(architecture, deep, self.recipe.retrain.weight_limit, name)

    def retraining(self, architecture: Architecture, seed: int) -> Retraining:
        settings, images = self.recipe.retrain, self.data.images
        size = self.size(architecture)
        batches = self.data.training_batches(settings.batch_size, seed)
        network = CellNetwork(architecture, size, auxiliary=settings.auxiliary_weight > 0)
        about = {
            "params": count_weights(architecture, size),
            "network": size.model_dump(mode="json"),
            "classes": list(images.classes),
            "image_size": images.size,
            "mean": list(self.data.standardise.mean),
            "std": list(self.data.standardise.std),
        }
        return Retraining(ClassifierTrainee(network, settings), batches, about)

    def evaluate(self, network: nn.Module, directory: Path) -> dict[str, Any]:
        assert isinstance(network, CellNetwork)
        return {"test_error": error_percent(network, self.data.test_batches())}

    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        classifier = load_classifier(retrained)
        data = replace(self.data, standardise=classifier.standardise)
        network = classifier.network.to(data.device)
        return {"test_error": error_percent(network, data.test_batches())}


class ClassifierTrainee(Trainee[CellNetwork]):
    """A derived classifier with its auxiliary loss and its drop path.

    The drop path rate rises from 0 in the first epoch to the setting in the last one.
    """

    def __init__(self, network: CellNetwork, settings: RetrainSettings) -> None:
        super().__init__(network)
        self._settings = settings

    def forward(self, batch: tuple[Tensor, Tensor]) -> Measures:
        """The loss, with the auxiliary classifier's, and the accuracy of a batch."""
        images, labels = batch
        if self._settings.auxiliary_weight > 0:
            logits, auxiliary = self.network.forward_with_auxiliary(images)
            extra = self._settings.auxiliary_weight * F.cross_entropy(auxiliary, labels)
            loss = F.cross_entropy(logits, labels) + extra
        else:
            logits = self.network(images)
            loss = F.cross_entropy(logits, labels)
        rate = self.network.drop_path
        return {"loss": loss, "accuracy": accuracy(logits, labels), "drop_path": rate}

    def before_epoch(self, fraction: float) -> None:
        self.network.drop_path = self._settings.drop_path * fraction

    def finished(self) -> CellNetwork:
        self.network.drop_path = 0.0
        self.network.auxiliary = None
        return self.network


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of a batch whose largest logit is that of its label."""
    return (logits.detach().argmax(1) == labels).float().mean()
