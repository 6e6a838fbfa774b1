"""A task on images with the networks of an architecture family."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from pdas.data.images import ImageData, ImageSource
from pdas.methods.components import Baseline
from pdas.methods.trials.trial import Derive
from pdas.resume.batches import Loader
from pdas.runs.run import Run
from pdas.space import Architecture, SearchSpace
from pdas.spaces.base import FAMILIES, Family
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import Settings
from pdas.tasks.base import OpenedTask, Retraining
from pdas.tasks.image_tasks.data import TaskImages
from pdas.tasks.networks import load_network
from pdas.tasks.recipe import Recipe
from pdas.training.retrain import TrainingModule

D = TypeVar("D", bound=TaskImages[Any])


class ImageTask(OpenedTask, Generic[D]):
    """What tasks on images have in common; a subclass adds the losses and the evaluation.

    Args:
        recipe: names the architecture family of the networks.
        data: its images on a device.

    Example:
        class Counting(ImageTask[ClassificationData]):
            outputs = 1
    """

    def __init__(self, recipe: Any, data: D) -> None:
        self.recipe: Recipe = recipe
        self.data = data

    restores: ClassVar[bool] = False  # whether networks put out images

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Channels of the network's output."""

    @abstractmethod
    def training_module(self, network: nn.Module) -> TrainingModule[Any]:
        """Join a derived network with the loss of its retraining."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What `result.json` says of the data, to load and to read the network."""

    def options(self) -> dict[str, Any]:
        """Options of the network that is retrained, see `Family.network`."""
        return {}

    @property
    def family(self) -> Family:
        """The architecture family of the recipe."""
        return FAMILIES[self.recipe.network.space]

    @property
    def searched(self) -> D:
        """The images that a search sees; by default all."""
        return self.data

    @property
    def size(self) -> Settings:
        """The size of the supernet."""
        return self._size_for(self.searched)

    def _size_for(self, data: D) -> Settings:
        """The size of the supernet for some images."""
        if self.family.restores != self.restores:
            kinds = {True: "images", False: "a vector for each image"}
            refuse(
                SettingError,
                "network.space",
                found=f"{self.recipe.network.space!r}, whose networks put out "
                f"{kinds[self.family.restores]}",
                expected=f"a family that puts out {kinds[self.restores]}",
                remedy=f"{self.recipe.task} needs another family",
            )
        shape = data.images.train.image_shape
        size: Settings = self.family.size(self.recipe.network, shape, self.outputs)
        return size

    @property
    def space(self) -> SearchSpace:
        return self.family.space(self.recipe.network)

    def supernet(self) -> nn.Module:
        return self.family.supernet(self.size)

    def derive(self) -> Derive:
        return partial(_derived, self.family, self.size)

    @property
    def baseline(self) -> Baseline | None:
        return self.family.baseline

    @property
    def example(self) -> Tensor:
        return torch.zeros(1, *self.data.images.train.image_shape, device="cpu")

    @property
    def search_example(self) -> Tensor:
        return torch.zeros(1, *self.searched.images.train.image_shape)

    def search_batches(self, seed: int) -> tuple[Loader, Loader]:
        first, second = self.searched.search_batches(self.recipe.search.batch_size, seed)
        return first, second

    @property
    def images(self) -> ImageData:
        return self.data.images

    @property
    def training_images(self) -> ImageSource:
        return self.data.images.train

    @property
    def test_images(self) -> ImageSource:
        return self.data.images.test

    def check_retraining(self, architecture: Architecture | None) -> None:
        self.data.check_training_batch(self.recipe.retrain.batch_size)
        self._retrained_size(architecture)

    def retraining(self, architecture: Architecture, seed: int) -> Retraining:
        size = self._retrained_size(architecture)
        labels = architecture.to_dict()
        batches = self.data.training_batches(self.recipe.retrain.batch_size, seed)
        network = self.family.network(labels, size, **self.options())
        about = {
            "params": self.family.parameters(labels, size),
            "network": size.model_dump(mode="json"),
            "image_shape": list(self.data.images.train.image_shape),
        }
        return Retraining(self.training_module(network), batches, about | self.about())

    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        network = load_network(retrained).to(self.data.device)
        return self.evaluate(network, Run(retrained.path, writes=False))

    def _retrained_size(self, architecture: Architecture | None) -> Settings:
        labels = None if architecture is None else architecture.to_dict()
        shape = self.data.images.train.image_shape
        size: Settings = self.family.retrained_size(
            self._size_for(self.data), labels, self.recipe.retrain, shape
        )
        return size


def _derived(family: Family, size: Settings, architecture: Architecture) -> nn.Module:
    # A function at module level, so that it can be pickled for the processes of an executor.
    return family.network(architecture.to_dict(), size)
