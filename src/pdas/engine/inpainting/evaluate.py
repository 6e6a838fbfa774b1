"""Evaluation of an auto-encoder on test images, beside two yardsticks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pdas.engine.inpainting.data import InpaintingData
from pdas.engine.inpainting.quality import Quality, quality
from pdas.engine.inpainting.yardsticks import biharmonic

SHOWN = 6  # images of each of best, median and worst


@dataclass(frozen=True)
class Restoration:
    """What a network made of the test images, `(N, C, H, W)` each, with its quality.

    `hidden` is bool `(N, 1, H, W)`. All are on the CPU.
    """

    masked: Tensor
    restored: Tensor
    clean: Tensor
    hidden: Tensor
    quality: Quality


@torch.no_grad()
def restore(network: nn.Module, data: InpaintingData) -> Restoration:
    """Restore all test images by a network in evaluation mode, clipped to [0, 1]."""
    network.eval()
    parts = [
        tuple(x.cpu() for x in (masked, network(masked).clamp(0, 1), clean, hidden))
        for masked, clean, hidden in data.test_batches().with_masks()
    ]
    masked, restored, clean, hidden = (torch.cat(part) for part in zip(*parts, strict=True))
    return Restoration(masked, restored, clean, hidden, quality(restored, clean))


def measures(restoration: Restoration, data: InpaintingData) -> dict[str, Any]:
    """Means and standard deviations over the images, in all and for each class."""
    labels = data.images.test.labels
    found: dict[str, Any] = restoration.quality.summary()
    found["images"] = len(labels)
    if len(present := sorted(set(labels.tolist()))) > 1:
        found["by_class"] = {
            data.images.classes[label]: restoration.quality[labels == label].summary()
            for label in present
        }
    return found


def yardsticks(restoration: Restoration) -> dict[str, dict[str, float]]:
    """The same measures of the masked images as they are, and of classical inpainting."""
    masked, clean = restoration.masked, restoration.clean
    return {
        "masked": quality(masked, clean).summary(),
        "biharmonic": quality(biharmonic(masked, restoration.hidden), clean).summary(),
    }


def save_samples(restoration: Restoration, file: Path) -> None:
    """Write the best, the median and the worst test images by PSNR.

    `masked`, `restored` and `clean` are uint8 `(3, n, C, H, W)`, `psnr` and `ssim` `(3, n)`; best
    first, and n is at most 6.
    """
    order = restoration.quality.psnr.argsort(descending=True)
    n = min(SHOWN, len(order))
    middle = (len(order) - n) // 2
    chosen = torch.stack([order[:n], order[middle : middle + n], order[-n:]])
    images = {
        name: (getattr(restoration, name)[chosen] * 255).round().to(torch.uint8).numpy()
        for name in ("masked", "restored", "clean")
    }
    found = restoration.quality[chosen]
    np.savez_compressed(file, **images, psnr=found.psnr.numpy(), ssim=found.ssim.numpy())
