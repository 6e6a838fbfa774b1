"""Evaluation of a classifier on held-out images."""

from __future__ import annotations

import torch
from torch import nn

from pdas.data.batches import Batches


@torch.no_grad()
def error_percent(network: nn.Module, batches: Batches, classes: int) -> float:
    """The test error.

    Args:
        network: from images to logits `(N, classes)`; it is put into evaluation mode.
        batches: of images and labels.
        classes: how many there are.

    Returns:
        The percentage of images that are put into a wrong class.
    """
    from torchmetrics.classification import MulticlassAccuracy  # slow to import

    network.eval()
    accuracy = MulticlassAccuracy(classes, average="micro", sync_on_compute=False)
    accuracy = accuracy.to(batches.device)
    for images, labels in batches:
        accuracy.update(network(images), labels)
    return 100.0 * (1.0 - float(accuracy.compute()))
