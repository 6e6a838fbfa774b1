"""A retrained classifier, with its classes and its preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from pdas.data.augment import Standardise
from pdas.data.decode import read_image
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.support.errors import DataError
from pdas.support.refusals import refuse
from pdas.support.settings import validated
from pdas.tasks.classification.description import ClassifierDescription

PART = 256  # images that are classified at a time


@dataclass(frozen=True)
class Prediction:
    """The most probable class of an image.

    Attributes:
        label: the name of the class.
        probability: in [0, 1].

    Example:
        Prediction(label="cat", probability=0.97)
    """

    label: str
    probability: float


class Classifier:
    """A retrained network that is ready to use.

    Args:
        network: the plain network.
        description: what it takes to build it again, with the classes and how images were scaled.

    Attributes:
        network: the plain network, in evaluation mode.
        standardise: how images were scaled in training.

    Example:
        classifier = pdas.load("runs/folder-0")
        classifier.predict(["photo.jpg"])
    """

    def __init__(self, network: nn.Module, description: ClassifierDescription) -> None:
        self.network = network.eval()
        self.standardise = Standardise(description.mean, description.std)
        self._description = description

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the network's outputs."""
        return self._description.classes

    @property
    def image_size(self) -> int:
        """Pixels a side that the network was trained at."""
        return self._description.image_shape[1]

    @property
    def channels(self) -> int:
        """Of the images: 1 (grey) or 3 (RGB)."""
        return self._description.image_shape[0]

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities of images.

        Args:
            images: uint8 `(N, C, H, W)`; C is the network's.

        Returns:
            float32 `(N, classes)`.

        Raises:
            DataError: the images have another type or shape.
        """
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != self.channels:
            refuse(
                DataError,
                "images",
                found=f"{images.dtype} of shape {tuple(images.shape)}",
                expected=f"uint8 of shape (N, {self.channels}, H, W)",
            )
        logits: Tensor = self.network(self.standardise(images))
        return logits.softmax(1)

    def predict(self, images: Tensor | Sequence[str | Path]) -> list[Prediction]:
        """Classify images.

        Args:
            images: as of `probabilities`, or paths of files of any size.

        Returns:
            The most probable class of each image.

        Raises:
            DataError: the images have another type or shape, or a file is no image.
        """
        predictions: list[Prediction] = []
        for start in range(0, len(images), PART):
            values, labels = self.probabilities(self._read(images[start : start + PART])).max(1)
            predictions += [
                Prediction(self.classes[label], value)
                for label, value in zip(labels.tolist(), values.tolist(), strict=True)
            ]
        return predictions

    def description(self) -> ClassifierDescription:
        """All that it takes to build the network again.

        Raises:
            SettingError: the classes or the standardisation are not of this network, as after a
                damaged file.
        """
        return validated(ClassifierDescription, self._description.model_dump())

    def _read(self, images: Tensor | Sequence[str | Path]) -> Tensor:
        if isinstance(images, Tensor):
            return images
        return torch.stack([read_image(Path(x), self.image_size, self.channels) for x in images])


def load_classifier(retrained: Run) -> Classifier:
    """The classifier of one `retrain-<seed>/`.

    Raises:
        RunError: its files are damaged.
    """
    return retrained.read("result.json", partial(_parse, retrained))


def _parse(retrained: Run, file: Path) -> Classifier:
    result = parse_json(file)
    fields = ("architecture", "network", "image_shape", "classes", "mean")
    standardise = Standardise(result["mean"], result["std"])
    values = {name: result[name] for name in fields} | {"std": standardise.divisor}
    description = validated(ClassifierDescription, values)
    network = description.build()
    retrained.read("weights.safetensors", partial(load_weights, network))
    return Classifier(network, description)
