"""Evaluation of a classifier on held-out images: what it says of them, and figures of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pdas.data.batches import Batches
from pdas.data.images import ImageSource
from pdas.distributed.ranks import Ranks
from pdas.runs.run import Run
from pdas.support.metrics import BASELINES

TOP = 5
MANY = 20  # classes; of fewer, a guess among five is right too often to tell much
COMMONEST = "commonest class"  # the baseline: to name it always


@dataclass(frozen=True)
class Predictions:
    """The classes that a network names for N images, in their order, on the CPU.

    Attributes:
        labels: the true classes, int64 `(N,)`.
        predicted: the classes of the largest logit, int64 `(N,)`.
        probability: of these, float32 `(N,)`.
        in_five: whether the label is among the five largest logits, bool `(N,)`; None of fewer than
            `MANY` classes, where that would say little.

    Example:
        found = predictions(network, data.test_batches())
        found.error
    """

    labels: Tensor
    predicted: Tensor
    probability: Tensor
    in_five: Tensor | None = None

    @property
    def wrong(self) -> Tensor:
        """Whether each image is put into a wrong class, bool `(N,)`."""
        return self.predicted != self.labels

    @property
    def error(self) -> float:
        """The percentage of images that are put into a wrong class."""
        return _percent(self.wrong)


@torch.no_grad()
def predictions(network: nn.Module, batches: Batches, ranks: Ranks | None = None) -> Predictions:
    """Classify images, batch by batch.

    Args:
        network: from images to logits `(N, classes)`; it is put into evaluation mode.
        batches: of images and labels, in the order of the source.
        ranks: of which each classifies its share of the batches, and all get the predictions.
    """
    network.eval()
    own = batches if ranks is None else batches.share(ranks.index, ranks.size)
    parts = [_of_batch(network(images), labels) for images, labels in own]
    if ranks is not None:
        parts = ranks.gather(parts, patiently=True)
    return Predictions(*map(torch.cat, zip(*parts, strict=True)))


def measures(found: Predictions, classes: Sequence[str], commonest: int) -> dict[str, Any]:
    """The figures of a classifier, for `result.json`; all but counts are percentages.

    Args:
        found: of the test images.
        classes: the names of all classes.
        commonest: the class with most training images.

    Returns:
        "test_error" and "test_error_interval", which covers the error of the network on all images
        of this kind with 95 % confidence (Wilson's score interval); of `MANY` classes or more
        "top5_error", those whose class is not among the five likeliest; "images", their number;
        "balanced_accuracy", the mean recall of the classes that have test images; "by_class", by
        name: "images", "recall" (None without images) and "predicted", how many of them the
        network puts into which class, a row of the confusion matrix without its zeros; and under
        "baselines" the error of a classifier that always names the commonest class.
    """
    from sklearn.metrics import confusion_matrix, recall_score  # slow to import

    labels, predicted = found.labels.numpy(), found.predicted.numpy()
    every = range(len(classes))
    recalls = recall_score(labels, predicted, labels=every, average=None, zero_division=torch.nan)
    matrix = confusion_matrix(labels, predicted, labels=every)
    present = matrix.sum(axis=1) > 0
    return {
        "test_error": found.error,
        **({} if found.in_five is None else {"top5_error": _percent(~found.in_five)}),
        "test_error_interval": _interval(int(found.wrong.sum()), len(labels)),
        "balanced_accuracy": 100 * float(recalls[present].mean()),
        "images": len(labels),
        "by_class": {
            name: {
                "images": int(row.sum()),
                "recall": 100 * float(recall) if row.any() else None,
                "predicted": {classes[other]: int(row[other]) for other in row.nonzero()[0]},
            }
            for name, recall, row in zip(classes, recalls, matrix, strict=True)
        },
        BASELINES: {
            COMMONEST: {
                "class": classes[commonest],
                "test_error": _percent(found.labels != commonest),
            }
        },
    }


def save_mistakes(found: Predictions, images: ImageSource, run: Run) -> None:
    """Write the most confident mistakes into `mistakes.npz`, see `Mistakes`; no file if none is.

    Args:
        found: of the images.
        images: of any number of channels; only grey ones and RGB are kept, since they are drawn.
        run: of the retraining.
    """
    from pdas.tasks.classification.mistakes import FILE, SHOWN  # needs matplotlib

    wrong = found.wrong.nonzero().squeeze(1)
    order = found.probability[wrong].argsort(descending=True, stable=True)
    chosen = wrong[order[:SHOWN]]
    if not len(chosen) or images.image_shape[0] not in (1, 3):
        return
    mistaken = images.subset(chosen)
    ((pixels, _),) = mistaken.batches([torch.arange(len(chosen), device="cpu")])
    names = {} if mistaken.names is None else {"names": np.array(mistaken.names)}
    run.write_arrays(
        FILE,
        **names,
        images=pixels.numpy(),
        true=found.labels[chosen].numpy(),
        predicted=found.predicted[chosen].numpy(),
        probability=found.probability[chosen].numpy(),
    )


def commonest_class(labels: Tensor) -> int:
    """The class with most images; of several, the first."""
    return int(torch.bincount(labels).argmax())


def _of_batch(logits: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    predicted = logits.argmax(1)
    probability = logits.float().softmax(1).gather(1, predicted[:, None]).squeeze(1)
    found = [labels, predicted, probability]
    if logits.shape[1] >= MANY:
        found.append((logits.topk(TOP, 1).indices == labels[:, None]).any(1))
    return tuple(each.cpu() for each in found)


def _percent(which: Tensor) -> float:
    return 100 * int(which.sum()) / len(which)


def _interval(wrong: int, images: int) -> list[float]:
    from scipy.stats import binomtest  # slow to import

    interval = binomtest(wrong, images).proportion_ci(0.95, method="wilson")
    return [100 * float(interval.low), 100 * float(interval.high)]
