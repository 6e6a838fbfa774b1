"""A retrained classifier, with its classes and its preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from pdas.data.augment import Standardise
from pdas.data.decode import read_image
from pdas.runs.run import Run, parse_json
from pdas.runs.weights import load_weights
from pdas.spaces import CellNetwork
from pdas.spaces.cells import CellSettings
from pdas.spaces.description import CellDescription
from pdas.support.errors import DataError
from pdas.support.settings import validated

PART = 256  # images that are classified at a time


@dataclass(frozen=True)
class Prediction:
    """The most probable class of an image."""

    label: str
    probability: float


class Classifier:
    """A retrained network that is ready to use.

    Attributes:
        network: the plain network, in evaluation mode.
        classes: the names of the classes, in the order of the network's outputs.
        image_size: pixels a side that the network was trained at.
        standardise: how images were scaled in training.
    """

    def __init__(
        self,
        network: CellNetwork,
        classes: Sequence[str],
        image_size: int,
        standardise: Standardise,
    ) -> None:
        self.network = network.eval()
        self.classes = tuple(classes)
        self.image_size = image_size
        self.standardise = standardise

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities `(N, classes)` of uint8 images `(N, C, H, W)`; C is the network's.

        Raises `DataError` for images of another type or shape.
        """
        channels = self.network.settings.in_channels
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != channels:
            raise DataError(
                f"images: found {images.dtype} of shape {tuple(images.shape)}, expected uint8 of "
                f"shape (N, {channels}, H, W)"
            )
        logits: Tensor = self.network(self.standardise(images))
        return logits.softmax(1)

    def predict(self, images: Tensor | Sequence[str | Path]) -> list[Prediction]:
        """The most probable class of each image, given as a tensor or as paths of files."""
        predictions: list[Prediction] = []
        for start in range(0, len(images), PART):
            values, labels = self.probabilities(self._read(images[start : start + PART])).max(1)
            predictions += [
                Prediction(self.classes[label], value)
                for label, value in zip(labels.tolist(), values.tolist(), strict=True)
            ]
        return predictions

    def description(self) -> CellDescription:
        """All that it takes to build the network again.

        Raises `SettingError` if the classes or the standardisation are not of this network, as
        after a damaged file.
        """
        settings = self.network.settings
        return validated(
            CellDescription,
            {
                "architecture": self.network.architecture,
                "network": settings,
                "image_shape": (settings.in_channels, self.image_size, self.image_size),
                "classes": self.classes,
                "mean": self.standardise.mean,
                "std": self.standardise.divisor,
            },
        )

    def _read(self, images: Tensor | Sequence[str | Path]) -> Tensor:
        if isinstance(images, Tensor):
            return images
        channels = self.network.settings.in_channels
        return torch.stack([read_image(Path(path), self.image_size, channels) for path in images])


def load_classifier(retrained: Run) -> Classifier:
    """The classifier of one `retrain-<seed>/`; raises `RunError` if its files are damaged."""
    return retrained.read("result.json", partial(_parse, retrained))


def _parse(retrained: Run, file: Path) -> Classifier:
    result = parse_json(file)
    network = CellNetwork(result["architecture"], CellSettings(**result["network"]))
    retrained.read("weights.safetensors", partial(load_weights, network))
    standardise = Standardise(result["mean"], result["std"])
    return Classifier(network, result["classes"], result["image_size"], standardise)
