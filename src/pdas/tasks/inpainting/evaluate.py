"""Evaluation of an auto-encoder on test images, beside two baselines.

The test images are processed batch by batch, since all of them may not fit in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from pdas.runs.run import Run
from pdas.tasks.inpainting.baselines import biharmonic, restoring_processes
from pdas.tasks.inpainting.data import InpaintingData
from pdas.tasks.inpainting.quality import Quality, composited, joined, quality

SHOWN = 6  # images of each of best, median and worst
SAMPLES = ("masked", "restored", "composited", "clean")


@torch.no_grad()
def network_quality(network: nn.Module, data: InpaintingData) -> Quality:
    """The quality of each restored test image; the network is put into evaluation mode."""
    network.eval()
    batches = data.test_batches().with_masks()
    return joined([quality(network(masked), clean, hidden) for masked, clean, hidden in batches])


def measures(found: Quality, data: InpaintingData) -> dict[str, Any]:
    """Means and standard deviations over the test images, of all and of each class.

    Args:
        found: of the test images, in their order.
        data: whose test images they are.

    Returns:
        See `Quality.summary`; "images", their number; with several classes, "by_class".
    """
    labels = data.images.test.labels
    summary: dict[str, Any] = found.summary()
    summary["images"] = len(labels)
    if len(present := sorted(set(labels.tolist()))) > 1:
        summary["by_class"] = {
            data.images.classes[label]: found[labels == label].summary() for label in present
        }
    return summary


def baseline_measures(data: InpaintingData) -> dict[str, dict[str, float]]:
    """The same measures of the masked images as they are, and of classical inpainting."""
    kept, classical = [], []
    with restoring_processes():
        for masked, clean, hidden in data.test_batches().with_masks():
            kept.append(quality(masked, clean, hidden))
            classical.append(quality(biharmonic(masked, hidden), clean, hidden))
    return {"masked": joined(kept).summary(), "biharmonic": joined(classical).summary()}


def save_samples(network: nn.Module, data: InpaintingData, found: Quality, run: Run) -> None:
    """Write the best, the median and the worst test images by PSNR into `restored.npz`.

    `masked`, `restored`, `composited` and `clean` are uint8 `(3, n, C, H, W)`, and of each metric
    there are `(3, n)` values; best first, and n is at most 6.
    """
    order = found.psnr.argsort(descending=True)
    n = min(SHOWN, len(order))
    middle = (len(order) - n) // 2
    chosen = torch.stack([order[:n], order[middle : middle + n], order[-n:]])
    images = _chosen_images(network, data, set(chosen.flatten().tolist()))
    arrays: dict[str, Any] = {
        name: np.stack([[images[i][name] for i in row] for row in chosen.tolist()])
        for name in SAMPLES
    }
    values = {name: value.numpy() for name, value in vars(found[chosen]).items()}
    run.write_arrays("restored.npz", **arrays, **values)


@torch.no_grad()
def _chosen_images(
    network: nn.Module, data: InpaintingData, chosen: set[int]
) -> dict[int, dict[str, Any]]:
    """Each of `SAMPLES` as uint8 `(C, H, W)`, by the index of the test image."""
    network.eval()
    images: dict[int, dict[str, Any]] = {}
    first = 0
    for masked, clean, hidden in data.test_batches().with_masks():
        if shown := chosen & set(range(first, first + len(clean))):
            restored = network(masked).clamp(0, 1)
            filled = composited(restored, clean, hidden)
            batch = dict(zip(SAMPLES, (masked, restored, filled, clean), strict=True))
            for i in shown:
                images[i] = {
                    name: (batch[name][i - first] * 255).round().to(torch.uint8).cpu().numpy()
                    for name in SAMPLES
                }
        first += len(clean)
    return images
