"""A retrained classifier, with its classes and its preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from pdas.data.views.areas import Central
from pdas.data.views.standardise import Standardise
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.runs.weights import load_weights
from pdas.support.errors import DataError, SettingError
from pdas.support.refusals import refuse
from pdas.support.settings import validated
from pdas.tasks.classification.description import ClassifierDescription
from pdas.tasks.image_tasks.inputs import Images, OneImage, device_of, parts_of_images, pixels_of

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
        classifier.predict("photo.jpg")  # [Prediction(label='cat', probability=0.97)]
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
            images: uint8 `(N, C, H, W)`, on any device; C is the network's.

        Returns:
            float32 `(N, classes)`, on the device of the network.

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
        logits: Tensor = self.network(self.standardise(images.to(device_of(self.network))))
        return logits.softmax(1)

    def predict(self, images: Images) -> list[Prediction]:
        """Classify images.

        Each is brought to the size and the channels that the network was trained at.

        Args:
            images: one, or several of any kinds: a path (a string is one path), a PIL image, an
                array `(H, W)` or `(H, W, C)`, a tensor `(H, W)` or `(C, H, W)`; an array
                `(N, H, W, C)` or a tensor `(N, C, H, W)` is several. Values are uint8, or float in
                [0, 1].

        Returns:
            The most probable class of each image; of one image a list of one.

        Raises:
            DataError: a file is no image, or an array has another type, shape or range.

        Example:
            (prediction,) = classifier.predict("photo.jpg")
        """
        return [best for (best,) in self.top(images, 1)]

    def top(self, images: Images, k: int) -> list[list[Prediction]]:
        """The most probable classes of images.

        Args:
            images: as of `predict`.
            k: how many; at most all classes are returned.

        Returns:
            For each image, the most probable class first.

        Raises:
            DataError: see `predict`.
            SettingError: `k` is below 1.
        """
        if k < 1:
            refuse(SettingError, "top", found=str(k), expected="at least 1")
        found: list[list[Prediction]] = []
        for part in parts_of_images(images, PART):
            pixels = torch.stack([self.read(image) for image in part])
            best = self.probabilities(pixels).topk(min(k, len(self.classes)))
            found += map(self._ranked, best.values.tolist(), best.indices.tolist())
        return found

    def read(self, image: OneImage) -> Tensor:
        """The pixels of one image as the network takes them.

        Args:
            image: one of those of `predict`.

        Returns:
            uint8 `(C, H, W)`, for `probabilities`.

        Raises:
            DataError: see `predict`.
        """
        crop = self._description.preprocessing.crop
        view = None if crop == "none" else Central(crop)
        return pixels_of(image, self.channels, self.image_size, view)

    def description(self) -> ClassifierDescription:
        """All that it takes to build the network again.

        Raises:
            SettingError: the classes or the standardisation are not of this network, as after a
                damaged file.
        """
        return validated(ClassifierDescription, self._description.model_dump())

    def _ranked(self, values: list[float], labels: list[int]) -> list[Prediction]:
        pairs = zip(labels, values, strict=True)
        return [Prediction(self.classes[label], value) for label, value in pairs]


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
    values["preprocessing"] = {"crop": result.get("center_crop", "none")}
    description = validated(ClassifierDescription, values)
    network = description.build()
    retrained.read("weights.safetensors", partial(load_weights, network))
    return Classifier(network, description)
