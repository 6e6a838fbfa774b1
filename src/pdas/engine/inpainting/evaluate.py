"""Evaluation of an auto-encoder on test images, beside two yardsticks.

The test images are gone through batch by batch, since a whole set of them may not fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pdas.engine.inpainting.data import InpaintingData
from pdas.engine.inpainting.quality import Quality, joined, quality
from pdas.engine.inpainting.yardsticks import biharmonic

SHOWN = 6  # images of each of best, median and worst
SAMPLES = ("masked", "restored", "clean")


@torch.no_grad()
def restored_batches(network: nn.Module, data: InpaintingData) -> Iterator[dict[str, Tensor]]:
    """For each test batch, on the CPU, `masked`, `restored` and `clean` `(n, C, H, W)`.

    The network is in evaluation mode, and what it restores is clipped to [0, 1].
    """
    network.eval()
    for masked, clean in data.test_batches():
        restored = network(masked).clamp(0, 1)
        yield {"masked": masked.cpu(), "restored": restored.cpu(), "clean": clean.cpu()}


def network_quality(network: nn.Module, data: InpaintingData) -> Quality:
    """The quality of what a network makes of each test image."""
    batches = restored_batches(network, data)
    return joined([quality(batch["restored"], batch["clean"]) for batch in batches])


def measures(found: Quality, data: InpaintingData) -> dict[str, Any]:
    """Means and standard deviations over the test images, in all and for each class."""
    labels = data.images.test.labels
    summary: dict[str, Any] = found.summary()
    summary["images"] = len(labels)
    if len(present := sorted(set(labels.tolist()))) > 1:
        summary["by_class"] = {
            data.images.classes[label]: found[labels == label].summary() for label in present
        }
    return summary


def yardsticks(data: InpaintingData) -> dict[str, dict[str, float]]:
    """The same measures of the masked images as they are, and of classical inpainting."""
    kept, classical = [], []
    for masked, clean, hidden in data.test_batches().with_masks():
        kept.append(quality(masked, clean))
        classical.append(quality(biharmonic(masked, hidden), clean))
    return {"masked": joined(kept).summary(), "biharmonic": joined(classical).summary()}


def save_samples(network: nn.Module, data: InpaintingData, found: Quality, file: Path) -> None:
    """Write the best, the median and the worst test images by PSNR.

    `masked`, `restored` and `clean` are uint8 `(3, n, C, H, W)`, `psnr` and `ssim` `(3, n)`; best
    first, and n is at most 6.
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
    values = found[chosen]
    np.savez_compressed(file, **arrays, psnr=values.psnr.numpy(), ssim=values.ssim.numpy())


def _chosen_images(
    network: nn.Module, data: InpaintingData, chosen: set[int]
) -> dict[int, dict[str, Any]]:
    """Masked, restored and clean as uint8 `(C, H, W)`, by the index of the test image."""
    images: dict[int, dict[str, Any]] = {}
    first = 0
    for batch in restored_batches(network, data):
        size = len(batch["clean"])
        for i in chosen & set(range(first, first + size)):
            images[i] = {
                name: (batch[name][i - first] * 255).round().to(torch.uint8).numpy()
                for name in SAMPLES
            }
        first += size
    return images
