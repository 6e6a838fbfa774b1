"""Using a result: the retrained network of a run with its classes and its preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pdas.data import Standardise, read_image
from pdas.errors import DataError, RunError
from pdas.nn import CellNetwork
from pdas.nn.cell import CellSettings
from pdas.run import Run

PART = 256  # images that are classified at a time
_DAMAGE = (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError)


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
        self, network: CellNetwork, classes: Sequence[str], image_size: int, scale: Standardise
    ) -> None:
        self.network = network.eval()
        self.classes = tuple(classes)
        self.image_size = image_size
        self.standardise = scale

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

    def _read(self, images: Tensor | Sequence[str | Path]) -> Tensor:
        if isinstance(images, Tensor):
            return images
        channels = self.network.settings.in_channels
        return torch.stack([read_image(Path(path), self.image_size, channels) for path in images])


def load(path: str | Path) -> Classifier:
    """The classifier of a run directory (its first retraining), or of one `retrain-<seed>/`.

    Raises `RunError` if there is none or its files are damaged.
    """
    run = Run(Path(path))
    if not (run.path / "result.json").is_file():
        retrainings = Run.open(run.path).retrainings()
        if not retrainings:
            raise RunError(f"run: {path} holds no finished retraining; `pdas retrain {path}` first")
        run = retrainings[0]
    network, result = load_network(run), run.read_json("result.json")
    try:
        scale = Standardise(result["mean"], result["std"])
        return Classifier(network, result["classes"], result["image_size"], scale)
    except (KeyError, TypeError, ValueError) as error:
        file = run.path / "result.json"
        raise RunError(f"{file}: damaged ({error!r}); retrain again") from None


def load_network(retrained: Run) -> CellNetwork:
    """The network of a retraining with its weights, in evaluation mode."""
    result = retrained.read_json("result.json")
    file = retrained.path / "weights.safetensors"
    try:
        settings = CellSettings(**result["network"])
        network = CellNetwork(result["architecture"], settings)
        network.load_state_dict(load_file(file))
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:200]  # torch names every weight that does not fit
        raise RunError(
            f"{file}: missing, damaged or not of its result.json ({reason}); retrain again"
        ) from None
    return network.eval()
