"""Image classification: its losses and its evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdas.distributed.ranks import Ranks
from pdas.runs.run import Run
from pdas.support.metrics import SCORES
from pdas.tasks.classification.classifier import load_classifier
from pdas.tasks.classification.data import ClassificationData
from pdas.tasks.classification.evaluate import (
    Predictions,
    commonest_class,
    measures,
    predictions,
    save_mistakes,
)
from pdas.tasks.classification.metrics import TEST_ERROR
from pdas.tasks.classification.recipe import ClassificationRecipe, RetrainSettings
from pdas.tasks.image_tasks.task import ImageTask
from pdas.training.candidates import Model
from pdas.training.measures import Measures
from pdas.training.retrain import TrainingModule


class ClassificationTask(ImageTask[ClassificationData]):
    """See `OpenedTask`. Batches are `(images, labels)`.

    Args:
        recipe: of a classification.
        data: its images on a device.
        load_searched: loads those that the search sees, once it begins; None: the same.

    Example:
        task = ClassificationTask(recipe, ClassificationData.load(recipe.data, None, device))
    """

    recipe: ClassificationRecipe

    def __init__(
        self,
        recipe: ClassificationRecipe,
        data: ClassificationData,
        load_searched: Callable[[], ClassificationData] | None = None,
    ) -> None:
        super().__init__(recipe, data)
        self._load_searched = load_searched

    @cached_property
    def searched(self) -> ClassificationData:
        return self.data if self._load_searched is None else self._load_searched()

    @property
    def outputs(self) -> int:
        return len(self.data.images.classes)

    def loss(self, model: Model, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Cross entropy of a batch of images and labels, with the accuracy beside it."""
        images, labels = batch
        logits = model(images)
        return {"loss": F.cross_entropy(logits, labels), "accuracy": accuracy(logits, labels)}

    def options(self) -> dict[str, Any]:
        auxiliary = self.family.has_auxiliary and self.recipe.retrain.auxiliary_weight > 0
        pretrained = getattr(self.recipe.network, "pretrained", False)
        asked = {"auxiliary": auxiliary, "pretrained": pretrained}
        return {name: True for name, is_asked in asked.items() if is_asked}

    def training_module(self, network: nn.Module) -> ClassifierTraining:
        return ClassifierTraining(network, self.recipe.retrain)

    def about(self) -> dict[str, Any]:
        center = self.recipe.data.center_crop
        return ({} if center is None else {"center_crop": center}) | {
            "classes": list(self.data.images.classes),
            "mean": list(self.data.standardise.mean),
            "std": list(self.data.standardise.std),
            "trained_on": self._training_images(),
        }

    def evaluate(self, network: nn.Module, retrained: Run) -> dict[str, Any]:
        return self._evaluated(predictions(network, self.data.test_batches()), retrained)

    def evaluate_on(self, ranks: Ranks, network: nn.Module, retrained: Run) -> dict[str, Any]:
        """As `evaluate`; each rank classifies its share of the test images."""
        found = predictions(network, self.data.test_batches(), ranks)
        return self._evaluated(found, retrained) if ranks.index == 0 else {}

    def _evaluated(self, found: Predictions, retrained: Run) -> dict[str, Any]:
        if retrained.writes:
            save_mistakes(found, self.data.images.test, retrained)
        scores = 100 * found.wrong.float()  # whose mean is the error
        retrained.write_arrays(SCORES, **{TEST_ERROR.key: scores.numpy()})
        return self._measures(found)

    def evaluate_saved(self, retrained: Run) -> dict[str, Any]:
        classifier = load_classifier(retrained)
        data = replace(self.data, standardise=classifier.standardise)
        return self._measures(predictions(classifier.network.to(data.device), data.test_batches()))

    def _training_images(self) -> dict[str, int]:
        """How many there are of each class."""
        images = self.data.images
        counts = torch.bincount(images.train.labels, minlength=len(images.classes))
        return dict(zip(images.classes, counts.tolist(), strict=True))

    def _measures(self, found: Predictions) -> dict[str, Any]:
        images = self.data.images
        return measures(found, images.classes, commonest_class(images.train.labels))


class ClassifierTraining(TrainingModule[nn.Module]):
    """A derived classifier with its loss, and the auxiliary loss and drop path where it has them.

    The drop path rate rises from 0 in the first epoch to the setting in the last one.

    Args:
        network: from images to logits.
        settings: of the retraining.

    Example:
        ClassifierTraining(network, recipe.retrain)((images, labels))["loss"].backward()
    """

    def __init__(self, network: nn.Module, settings: RetrainSettings) -> None:
        super().__init__(network)
        self._weight = settings.auxiliary_weight
        self._drop_path = settings.drop_path
        self._smoothing = settings.label_smoothing

    def forward(self, batch: tuple[Tensor, Tensor]) -> Measures:
        """The loss, with the auxiliary classifier's, and the accuracy of a batch."""
        images, labels = batch
        network: Any = self.network
        if getattr(network, "auxiliary", None) is not None:
            logits, auxiliary = network.forward_with_auxiliary(images)
            loss = self._loss(logits, labels) + self._weight * self._loss(auxiliary, labels)
        else:
            logits = network(images)
            loss = self._loss(logits, labels)
        measures: Measures = {"loss": loss, "accuracy": accuracy(logits, labels)}
        return self._with_rate(measures)  # type: ignore[no-any-return]

    # Not traced by torch.compile, which would compile anew for every rate.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _with_rate(self, measures: Measures) -> Measures:
        rate = getattr(self.network, "drop_path", None)
        return measures if rate is None else {**measures, "drop_path": rate}

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self._smoothing)

    def before_epoch(self, fraction: float) -> None:
        network: Any = self.network
        if hasattr(network, "drop_path"):
            network.drop_path = self._drop_path * fraction

    def finished(self) -> nn.Module:
        """The network without what is for training alone."""
        network: Any = self.network
        if hasattr(network, "drop_path"):
            network.drop_path = 0.0
        if hasattr(network, "auxiliary"):
            network.auxiliary = None
        return self.network


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of a batch whose largest logit is that of its label."""
    return (logits.detach().argmax(1) == labels).float().mean()
