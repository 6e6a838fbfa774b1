"""Evaluation of a network on held-out images."""

from __future__ import annotations

import torch
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from pdas.data import Batches


@torch.no_grad()
def test_error(network: nn.Module, batches: Batches, classes: int) -> float:
    """Percentage of images that the network, in evaluation mode, puts into a wrong class."""
    network.eval()
    accuracy = MulticlassAccuracy(classes, average="micro").to(batches.device)
    for images, labels in batches:
        accuracy.update(network(images), labels)
    return 100.0 * (1.0 - float(accuracy.compute()))
