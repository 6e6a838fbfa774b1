"""Evaluation of a classifier on held-out images."""

from __future__ import annotations

import torch

from pdas.data.batches import Batches
from pdas.spaces import CellNetwork


@torch.no_grad()
def error_percent(network: CellNetwork, batches: Batches) -> float:
    """Percentage of images that the network, in evaluation mode, puts into a wrong class."""
    from torchmetrics.classification import MulticlassAccuracy  # slow to import

    network.eval()
    classes = network.settings.classes
    accuracy = MulticlassAccuracy(classes, average="micro", sync_on_compute=False)
    accuracy = accuracy.to(batches.device)
    for images, labels in batches:
        accuracy.update(network(images), labels)
    return 100.0 * (1.0 - float(accuracy.compute()))
